package gateway_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	goruntime "runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/request/bearertoken"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/causeway-access/causeway/internal/catalog"
	"github.com/causeway-access/causeway/internal/gateway"
	"github.com/causeway-access/causeway/test/fakeapi"
)

// loopback is what tests may dial.
var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

// tokens is an authenticator as Kubernetes has it: "alice-token" is alice.
func tokens() authenticator.Request {
	return bearertoken.New(authenticator.TokenFunc(func(_ context.Context, token string) (*authenticator.Response, bool, error) {
		name, ok := strings.CutSuffix(token, "-token")
		return &authenticator.Response{User: &user.DefaultInfo{Name: name}}, ok, nil
	}))
}

// world is a gateway in front of a small cluster.
type world struct {
	*httptest.Server
	t       testing.TB
	gateway *gateway.Gateway
	api     *fake.Clientset
	allow   func(authorizer.Attributes) bool
	asked   atomic.Pointer[[]authorizer.Attributes]
}

// newWorld starts a gateway that knows the objects.
func newWorld(t testing.TB, change func(*gateway.Config), objects ...runtime.Object) *world {
	t.Helper()
	w := &world{t: t, api: fakeapi.NewClientset(objects...), allow: func(authorizer.Attributes) bool { return true }}
	factory := informers.NewSharedInformerFactory(w.api, 0)
	known, err := catalog.New(factory)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	factory.StartWithContext(ctx)
	factory.WaitForCacheSyncWithContext(ctx)
	t.Cleanup(func() { cancel(); factory.Shutdown() })
	cfg := gateway.Config{
		Authenticator: tokens(), Catalog: known, AllowedCIDRs: loopback,
		Authorizer: authorizer.AuthorizerFunc(func(_ context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
			for {
				before := w.asked.Load()
				var now []authorizer.Attributes
				if before != nil {
					now = append(now, *before...)
				}
				now = append(now, a)
				if w.asked.CompareAndSwap(before, &now) {
					break
				}
			}
			if w.allow(a) {
				return authorizer.DecisionAllow, "", nil
			}
			return authorizer.DecisionNoOpinion, "", nil
		}),
	}
	if change != nil {
		change(&cfg)
	}
	if w.gateway, err = gateway.New(cfg); err != nil {
		t.Fatal(err)
	}
	for !known.HasSynced() {
		// The handlers' own hand-over follows the informers' lists.
		goruntime.Gosched()
	}
	w.Server = httptest.NewServer(w.gateway)
	t.Cleanup(func() { w.Server.Close(); w.gateway.Close() })
	return w
}

// do sends a request as alice and returns the answer, body read. The path goes
// out as it is.
func (w *world) do(method, target string, body io.Reader, headers ...string) (*http.Response, string) {
	w.t.Helper()
	r, err := http.NewRequest(method, w.URL, body)
	if err != nil {
		w.t.Fatal(err)
	}
	path, query, _ := strings.Cut(target, "?")
	r.URL.Opaque, r.URL.RawQuery = path, query
	r.Header.Set("Authorization", "Bearer alice-token")
	for i := 0; i < len(headers); i += 2 {
		if r.Header.Set(headers[i], headers[i+1]); headers[i+1] == "" {
			r.Header.Del(headers[i])
		}
	}
	resp, err := (&http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true, DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}).Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatalf("reading the answer to %s %s: %v", method, target, err)
	}
	return resp, string(text)
}

// backend starts a server and returns its address.
func backend(t *testing.T, h http.HandlerFunc) netip.AddrPort {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return addrOf(s)
}

func addrOf(s *httptest.Server) netip.AddrPort {
	return netip.MustParseAddrPort(s.Listener.Addr().String())
}

// service returns a Service of one port and its slices, one per backend, since
// on loopback the backends differ by port.
func service(name string, backends ...netip.AddrPort) []runtime.Object {
	out := []runtime.Object{&corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name},
		Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Name: "http", Port: 80}}},
	}}
	for i, b := range backends {
		out = append(out, slice(name, i, b))
	}
	return out
}

func slice(service string, i int, b netip.AddrPort) *discoveryv1.EndpointSlice {
	number, port := int32(b.Port()), "http"
	return &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "default", Name: service + "-" + strconv.Itoa(i),
			Labels: map[string]string{discoveryv1.LabelServiceName: service},
		},
		AddressType: discoveryv1.AddressTypeIPv4,
		Ports:       []discoveryv1.EndpointPort{{Name: &port, Port: &number}},
		Endpoints:   []discoveryv1.Endpoint{{Addresses: []string{b.Addr().String()}}},
	}
}

// web is the path under which tests reach the service "web".
const web = "/api/v1/namespaces/default/services/web/proxy"
