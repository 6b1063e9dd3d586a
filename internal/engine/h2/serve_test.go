package h2_test

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"testing"

	"golang.org/x/net/http2"

	"github.com/causeway-access/causeway/internal/engine/h2"
	"github.com/causeway-access/causeway/test/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

// start serves a handler by a server of net/http, and by ours in it if ours is
// set, until the test ends.
func start(t testing.TB, ours bool, cfg h2.Config) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(cfg.Handler)
	s.EnableHTTP2 = true
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Config.MaxHeaderBytes = cfg.MaxHeaderBytes
	s.TLS = &tls.Config{NextProtos: []string{"h2", "http/1.1"}}
	if ours {
		if cfg.ErrorLog == nil {
			cfg.ErrorLog = s.Config.ErrorLog
		}
		server := h2.New(cfg)
		s.Config.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){"h2": server.NextProto}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		s.Config.RegisterOnShutdown(func() { _ = server.Shutdown(ended) })
	} else if err := http2.ConfigureServer(s.Config, nil); err != nil {
		t.Fatal(err)
	}
	s.StartTLS()
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return s
}
