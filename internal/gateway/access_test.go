package gateway_test

import (
	"crypto/tls"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/causeway-access/causeway/internal/engine"
	"github.com/causeway-access/causeway/internal/engine/h2"
	"github.com/causeway-access/causeway/internal/gateway"
	"github.com/causeway-access/causeway/internal/gateway/accesstest"
	"github.com/causeway-access/causeway/internal/xconnect"
)

// TestAccessPath holds the gateway behind net/http's server to the rows that
// every engine must pass, in HTTP/2 behind our own, without which there is no
// extended CONNECT.
func TestAccessPath(t *testing.T) {
	accesstest.Run(t, func(t *testing.T, cfg gateway.Config, l net.Listener, sessions *tls.Config) {
		g, err := gateway.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		s := httptest.NewUnstartedServer(xconnect.Handler(g))
		s.Listener.Close()
		s.Listener, s.TLS, s.EnableHTTP2 = l, sessions, true
		s.Config.ErrorLog = errorLog(t)
		offerExtendedConnect(s.Config)
		s.StartTLS()
		t.Cleanup(func() { s.CloseClientConnections(); s.Close(); g.Close() })
	})
}

// TestAccessPathOfTheEngine holds it to the same rows behind what the program
// serves it by: our own engine with our own HTTP/2.
func TestAccessPathOfTheEngine(t *testing.T) {
	accesstest.Run(t, func(t *testing.T, cfg gateway.Config, l net.Listener, sessions *tls.Config) {
		g, err := gateway.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		sessions = sessions.Clone()
		sessions.NextProtos = []string{"h2", "http/1.1"}
		hs := &http.Server{Handler: xconnect.Handler(g), TLSConfig: sessions, ErrorLog: errorLog(t)}
		offerExtendedConnect(hs)
		s := engine.New(hs)
		var serving sync.WaitGroup
		serving.Go(func() { _ = s.ServeTLS(l) })
		t.Cleanup(func() { _ = s.Close(); serving.Wait(); g.Close() })
	})
}

// offerExtendedConnect has a server speak HTTP/2 by our own, which offers that.
func offerExtendedConnect(s *http.Server) {
	own := h2.New(h2.Config{Handler: s.Handler, ExtendedConnect: true, ErrorLog: s.ErrorLog})
	s.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){"h2": own.NextProto}
}

// errorLog is the log of a server of the test's, which is shown if the test
// fails. What comes after the test's end goes nowhere.
func errorLog(t *testing.T) *log.Logger {
	w := &logWriter{t: t}
	t.Cleanup(func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.t = nil
	})
	return log.New(w, "", 0)
}

type logWriter struct {
	mu sync.Mutex
	t  *testing.T
}

func (w *logWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.t != nil {
		w.t.Logf("%s", p)
	}
	return len(p), nil
}
