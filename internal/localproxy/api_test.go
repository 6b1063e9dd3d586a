package localproxy_test

import (
	"context"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/causeway-access/causeway/internal/localproxy"
	"github.com/causeway-access/causeway/internal/route"
	"github.com/causeway-access/causeway/test/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

// api is an API server as far as the proxy sees one: TLS, HTTP/2, a bearer
// token, health, and an answer that says what arrived.
type api struct {
	*httptest.Server
	name    string
	splits  bool // takes Proxy-Authorization too
	knows   bool // of own origins
	unready atomic.Bool
	served  atomic.Int64
	handle  func(http.ResponseWriter, *http.Request) // in place of the answer

	mu   sync.Mutex
	last *http.Request
}

const token = "secret-token"

func newAPI(t testing.TB, change ...func(*api)) *api {
	t.Helper()
	a := &api{name: "api"}
	for _, f := range change {
		f(a)
	}
	a.Server = httptest.NewUnstartedServer(a)
	a.EnableHTTP2 = true
	a.Config.ErrorLog = quiet
	a.StartTLS()
	t.Cleanup(a.Close)
	return a
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ours := r.Header.Get("Authorization")
	if proxied := r.Header.Get("Proxy-Authorization"); a.splits && proxied != "" {
		ours = proxied
	}
	switch {
	case r.Header.Get(route.OwnOriginHeader) == "?": // a question
		if a.knows {
			w.Header().Set(route.OwnOriginHeader, "known")
		}
		return
	case ours != "Bearer "+token:
		http.Error(w, "Unauthorized", http.StatusUnauthorized)
		return
	case r.URL.Path == "/readyz":
		if a.unready.Load() {
			http.Error(w, "not ready", http.StatusInternalServerError)
		}
		return
	}
	if r.URL.Path != "/api" { // which the proxy asks for by itself
		a.served.Add(1)
		a.mu.Lock()
		a.last = r.Clone(r.Context())
		a.mu.Unlock()
	}
	if a.handle != nil {
		a.handle(w, r)
		return
	}
	fmt.Fprintf(w, "%s %s", a.name, r.RequestURI)
}

func (a *api) seen() *http.Request {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.last
}

// config is what a kubeconfig for the server says.
func (a *api) config(t testing.TB) *rest.Config {
	t.Helper()
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.Certificate().Raw})
	return &rest.Config{Host: a.URL, BearerToken: token, TLSClientConfig: rest.TLSClientConfig{CAData: ca, ServerName: "example.com"}}
}

// kill is kill -9 as its clients see it: all connections are reset and new
// ones refused.
func (a *api) kill() {
	a.Listener.Close()
	a.CloseClientConnections()
}

func newProxy(t testing.TB, cfg localproxy.Config) *localproxy.Proxy {
	t.Helper()
	p, err := localproxy.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// eventually waits for what happens in the background.
func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

// toServer dials a server whatever the address.
func toServer(s *httptest.Server) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, s.Listener.Addr().String())
	}
}
