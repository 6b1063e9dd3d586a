package servers_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	restclient "k8s.io/client-go/rest"
	"k8s.io/utils/ptr"

	"github.com/causeway-access/causeway/internal/node/servers"
	"github.com/causeway-access/causeway/test/refusing"
)

// patience bounds what must happen, on a machine that has much to do.
const patience = time.Minute

// server is an API server that says its name.
type server struct {
	*httptest.Server
	address string
	sick    atomic.Bool
}

func newServer(t *testing.T) *server {
	t.Helper()
	s := &server{}
	s.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/readyz" && s.sick.Load() {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		fmt.Fprint(w, s.address)
	}))
	s.address = strings.TrimPrefix(s.URL, "https://")
	t.Cleanup(s.Close)
	return s
}

// api is how its clients verify it, whatever it is called.
func (s *server) api() *restclient.Config {
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	return &restclient.Config{TLSClientConfig: restclient.TLSClientConfig{CAData: ca, ServerName: "example.com"}}
}

func newSet(t *testing.T, given ...string) *servers.Set {
	t.Helper()
	s, err := servers.New(servers.Config{Given: given, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// client is one of the node's, which knows one name for all servers.
func client(t *testing.T, s *servers.Set, one *server) *http.Client {
	t.Helper()
	pool := x509.NewCertPool()
	pool.AddCert(one.Certificate())
	c := &http.Client{Transport: &http.Transport{DialContext: s.Dial, TLSClientConfig: &tls.Config{RootCAs: pool, ServerName: "example.com"}}, Timeout: patience}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

// asks is what a client is answered, and by whom.
func asks(t *testing.T, c *http.Client) string {
	t.Helper()
	resp, err := c.Get("https://api.example/")
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err.Error()
	}
	return string(body)
}

func until(t *testing.T, what string, good func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !good(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

func TestAnotherServerIsSpokenToWhenOneDies(t *testing.T) {
	one, two := newServer(t), newServer(t)
	s := newSet(t, refusing.Address(t, "127.0.0.1").String(), one.address, two.address)
	c := client(t, s, one)
	if got := asks(t, c); got != one.address || s.Current() != one.address {
		t.Fatalf("answered by %s, the current one is %s", got, s.Current())
	}
	one.Close()
	until(t, "the other answers", func() bool { return asks(t, c) == two.address })
	if s.Current() != two.address {
		t.Errorf("the current one is %s", s.Current())
	}
	two.Close()
	if got := asks(t, c); !strings.Contains(got, one.address) || !strings.Contains(got, two.address) {
		t.Errorf("when none is there it says %q, and does not name them", got)
	}
}

func TestAServerThatIsNotReadyIsLeft(t *testing.T) {
	one, two := newServer(t), newServer(t)
	s := newSet(t, one.address, two.address)
	c := client(t, s, one)
	if got := asks(t, c); got != one.address {
		t.Fatalf("answered by %s", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- s.Watch(ctx, one.api()) }()
	one.sick.Store(true)
	until(t, "the one that is ready answers", func() bool { return asks(t, c) == two.address })
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestServersAreFoundWhereTheClusterSaysThatTheyAre(t *testing.T) {
	slice := func(name, of string, ready *bool, addresses ...string) *discoveryv1.EndpointSlice {
		return &discoveryv1.EndpointSlice{
			ObjectMeta: metav1.ObjectMeta{Namespace: corev1.NamespaceDefault, Name: name, Labels: map[string]string{discoveryv1.LabelServiceName: of}},
			Ports:      []discoveryv1.EndpointPort{{Name: ptr.To("https"), Port: ptr.To[int32](6443)}, {Name: ptr.To("metrics"), Port: ptr.To[int32](9090)}, {Name: ptr.To("none")}},
			Endpoints:  []discoveryv1.Endpoint{{Addresses: addresses, Conditions: discoveryv1.EndpointConditions{Ready: ready}}},
		}
	}
	s := newSet(t, "192.0.2.1:6443")
	seen := make(chan []string, 10)
	s.Follow(func(all, _ []string) { seen <- all })
	factory := informers.NewSharedInformerFactory(fake.NewClientset(
		slice("kubernetes", "kubernetes", nil, "192.0.2.2", "192.0.2.1"), slice("kubernetes-6", "kubernetes", ptr.To(true), "2001:db8::1"),
		slice("gone", "kubernetes", ptr.To(false), "192.0.2.3"), slice("other", "echo", nil, "192.0.2.4"),
	), 0)
	if err := s.Find(factory.Discovery().V1().EndpointSlices()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	factory.StartWithContext(ctx)
	defer factory.Shutdown()
	defer cancel()
	if d := cmp.Diff([]string{"192.0.2.1:6443"}, <-seen); d != "" {
		t.Errorf("to begin with (-want +got):\n%s", d)
	}
	want := []string{"192.0.2.1:6443", "192.0.2.2:6443", "[2001:db8::1]:6443"}
	until(t, "all are found", func() bool { return cmp.Equal(want, s.List()) })
	for len(seen) > 0 {
		if told := <-seen; len(seen) == 0 && !cmp.Equal(want, told) {
			t.Errorf("told %v at last", told)
		}
	}
}

func TestAServersPortIsInItsURL(t *testing.T) {
	for text, want := range map[string]string{
		"https://api.example": "api.example:443", "https://192.0.2.1:6443": "192.0.2.1:6443", "https://[2001:db8::1]": "[2001:db8::1]:443",
	} {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := servers.HostPort(u); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
	if _, err := servers.New(servers.Config{}); err == nil {
		t.Error("no server is enough")
	}
}
