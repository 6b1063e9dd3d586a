package gateway_test

import (
	"crypto/tls"
	"net"
	"net/http/httptest"
	"testing"

	"github.com/causeway-access/causeway/internal/gateway"
	"github.com/causeway-access/causeway/internal/gateway/accesstest"
	"github.com/causeway-access/causeway/internal/xconnect"
)

// TestAccessPath holds the gateway behind net/http's server to the rows that
// every engine must pass.
func TestAccessPath(t *testing.T) {
	accesstest.Run(t, func(t *testing.T, cfg gateway.Config, l net.Listener, sessions *tls.Config) {
		g, err := gateway.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		s := httptest.NewUnstartedServer(xconnect.Handler(g))
		s.Listener.Close()
		s.Listener, s.TLS, s.EnableHTTP2 = l, sessions, true
		s.StartTLS()
		t.Cleanup(func() { s.CloseClientConnections(); s.Close(); g.Close() })
	})
}
