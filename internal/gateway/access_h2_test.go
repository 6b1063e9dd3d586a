package gateway_test

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/causeway-access/causeway/internal/engine/h2"
	"github.com/causeway-access/causeway/internal/gateway"
	"github.com/causeway-access/causeway/internal/gateway/accesstest"
	"github.com/causeway-access/causeway/internal/xconnect"
)

// TestAccessPathOverOurHTTP2 holds the gateway to the same rows where our
// server speaks HTTP/2 for net/http's.
func TestAccessPathOverOurHTTP2(t *testing.T) {
	accesstest.Run(t, func(t *testing.T, cfg gateway.Config, l net.Listener, sessions *tls.Config) {
		g, err := gateway.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		s := httptest.NewUnstartedServer(xconnect.Handler(g))
		s.Listener.Close()
		s.Listener, s.TLS, s.EnableHTTP2 = l, sessions, true
		s.Config.ErrorLog = errorLog(t)
		own := h2.New(h2.Config{Handler: s.Config.Handler, ExtendedConnect: true, ErrorLog: s.Config.ErrorLog})
		s.Config.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){"h2": own.NextProto}
		s.StartTLS()
		t.Cleanup(func() { s.CloseClientConnections(); s.Close(); g.Close() })
	})
}
