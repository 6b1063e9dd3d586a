package localproxy_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os/exec"
	"strings"
	"sync"
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

	"github.com/causeway-access/causeway/internal/catalog"
	"github.com/causeway-access/causeway/internal/gateway"
	"github.com/causeway-access/causeway/internal/localproxy"
	"github.com/causeway-access/causeway/test/fakeapi"
)

// newForwarding starts an API server that has a gateway in front, which knows
// the objects and refuses the namespace "secret", and returns the address of a
// local proxy to it that speaks SOCKS too.
func newForwarding(t *testing.T, change func(*localproxy.Config), objects ...runtime.Object) string {
	t.Helper()
	factory := informers.NewSharedInformerFactory(fakeapi.NewClientset(objects...), 0)
	known, err := catalog.New(factory)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	factory.StartWithContext(ctx)
	factory.WaitForCacheSyncWithContext(ctx)
	t.Cleanup(func() { cancel(); factory.Shutdown() })
	g, err := gateway.New(gateway.Config{
		Authenticator: bearertoken.New(authenticator.TokenFunc(func(_ context.Context, got string) (*authenticator.Response, bool, error) {
			return &authenticator.Response{User: &user.DefaultInfo{Name: "alice"}}, got == token, nil
		})),
		Authorizer: authorizer.AuthorizerFunc(func(_ context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
			if a.GetNamespace() == "secret" {
				return authorizer.DecisionNoOpinion, "", nil
			}
			return authorizer.DecisionAllow, "", nil
		}),
		Catalog: known, ForwardPods: true, AllowedCIDRs: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
	})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the catalog knows the objects", known.HasSynced)
	server := newAPI(t, func(a *api) { a.handle = g.ServeHTTP })
	t.Cleanup(g.Close)
	cfg := localproxy.Config{REST: server.config(t), Filter: defaults(t)}
	if change != nil {
		change(&cfg)
	}
	p := newProxy(t, cfg)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	local := &http.Server{Handler: p, ErrorLog: quiet}
	var done sync.WaitGroup
	done.Go(func() { _ = local.Serve(p.WithSOCKS(l)) }) // ends by Close
	t.Cleanup(func() { local.Close(); done.Wait() })
	return l.Addr().String()
}

// web is a service "web" in a namespace, its pod "web-0", and what they answer.
func web(t *testing.T, namespace string) []runtime.Object {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s at %s", r.Method, r.RequestURI, r.Host)
	}))
	t.Cleanup(s.Close)
	at := netip.MustParseAddrPort(s.Listener.Addr().String())
	number := int32(at.Port())
	meta := func(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Namespace: namespace, Name: name} }
	slice := &discoveryv1.EndpointSlice{
		ObjectMeta: meta("web-1"), AddressType: discoveryv1.AddressTypeIPv4, Ports: []discoveryv1.EndpointPort{{Port: &number}},
		Endpoints: []discoveryv1.Endpoint{{Addresses: []string{at.Addr().String()}}},
	}
	slice.Labels = map[string]string{discoveryv1.LabelServiceName: "web"}
	return []runtime.Object{
		&corev1.Service{ObjectMeta: meta("web"), Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}}}, slice,
		&corev1.Pod{
			ObjectMeta: meta("web-0"),
			Spec:       corev1.PodSpec{Containers: []corev1.Container{{Ports: []corev1.ContainerPort{{ContainerPort: number}}}}},
			Status:     corev1.PodStatus{Phase: corev1.PodRunning, PodIP: at.Addr().String()},
		},
	}
}

// curl runs the real one through a proxy and returns what it printed: the body
// and, in the last line, the status and that of CONNECT.
func curl(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "curl", append([]string{"-sS", "--noproxy", "", "-w", "\n%{http_code} %{http_connect}"}, args...)...).CombinedOutput()
	return strings.TrimSpace(fmt.Sprintf("%s %v", out, err))
}

func TestProxyProtocolsReachNamesInTheCluster(t *testing.T) {
	objects := append(web(t, "shop"), web(t, "secret")...)
	port := fmt.Sprint(objects[2].(*corev1.Pod).Spec.Containers[0].Ports[0].ContainerPort)
	at := newForwarding(t, nil, objects...)
	connect, socks := []string{"--proxytunnel", "--proxy", "http://" + at}, []string{"--proxy", "socks5h://" + at}
	tests := []struct {
		name string
		via  []string
		url  string
		want string
	}{
		{"CONNECT", connect, "http://web.shop/a%2Fb?c", "GET /a%2Fb?c at web.shop\n200 200"},
		{"CONNECT, whole name", connect, "http://web.shop.svc.cluster.local/x", "GET /x at web.shop.svc.cluster.local\n200 200"},
		{"CONNECT, pod", connect, "http://web-0.pod.shop:" + port + "/", "GET / at web-0.pod.shop:" + port + "\n200 200"},
		{"absolute form", []string{"--proxy", "http://" + at}, "http://web.shop/x?y", "GET /x?y at web.shop\n200 000"},
		{"SOCKS5", socks, "http://web.shop/x", "GET /x at web.shop\n200 000"},
		{"CONNECT, a stranger", connect, "http://www.example.com/", "403"},
		{"CONNECT, an address", connect, "http://10.0.0.1/", "403"},
		{"CONNECT, this machine", connect, "http://localhost:1/", "403"},
		{"CONNECT, forbidden", connect, "http://web.secret/", "403"},
		{"CONNECT, absent", connect, "http://absent.shop/", "404"},
		{"CONNECT, no such port", connect, "http://web.shop:81/", "502"},
		{"absolute form, a stranger", []string{"--proxy", "http://" + at}, "http://www.example.com/", `error: "www.example.com" is not a name in the cluster`},
		{"absolute form, a stranger's page", []string{"--proxy", "http://" + at, "-H", "Origin: https://evil.example.com"}, "http://web.shop/", "403 000"},
		{"absolute form, a page of the cluster", []string{"--proxy", "http://" + at, "-H", "Origin: http://other.shop"}, "http://web.shop/", "200 000"},
		{"SOCKS5, a stranger", socks, "http://example.com/", "(97)"},
		{"SOCKS5, an address", []string{"--proxy", "socks5://" + at}, "http://10.0.0.1/", "(97)"},
		{"the API beside them", nil, "http://" + at + "/api/v1/namespaces/shop/services/web/proxy/x", "GET /x at "},
	}
	for _, test := range tests {
		if got := curl(t, append(test.via, test.url)...); !strings.Contains(got, test.want) {
			t.Errorf("%s: %s, want %q", test.name, got, test.want)
		}
	}
}

// The filter means connections, too: they count as the POST that they are.
func TestTheFilterRefusesConnections(t *testing.T) {
	for name, change := range map[string]func(*localproxy.Filter){
		"methods": func(f *localproxy.Filter) { f.RejectMethods = patterns(t, "POST,PUT") },
		"CONNECT": func(f *localproxy.Filter) { f.RejectMethods = patterns(t, "CONNECT") },
		"accept":  func(f *localproxy.Filter) { f.AcceptPaths = patterns(t, "^/api/v1/namespaces/other/") },
		"reject":  func(f *localproxy.Filter) { f.RejectPaths = patterns(t, "/portforward$") },
	} {
		at := newForwarding(t, func(c *localproxy.Config) { change(c.Filter) }, web(t, "shop")...)
		for _, via := range []string{"http://", "socks5h://"} {
			got := curl(t, "--proxytunnel", "--proxy", via+at, "http://web.shop/")
			if !strings.Contains(got, "403") && !strings.Contains(got, "(97)") {
				t.Errorf("%s, %s: %s", name, via, got)
			}
		}
	}
}

// What a page can make a browser send to this port reaches neither proxy: it
// begins with a method, and its target is a path.
func TestNoPageReachesTheProxies(t *testing.T) {
	at := newForwarding(t, nil, web(t, "shop")...)
	for _, request := range []string{
		"POST / HTTP/1.1\r\nHost: " + at + "\r\nContent-Length: 12\r\n\r\n\x05\x01\x00\x05\x01\x00\x03\x08web.",
		"GET / HTTP/1.1\r\nHost: web.shop\r\n\r\n",
		"POST /x HTTP/1.1\r\nHost: web.shop.svc:80\r\nContent-Length: 0\r\n\r\n",
	} {
		c, err := net.Dial("tcp", at)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(c, request); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatalf("%q: %v", request, err)
		}
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
		c.Close()
		if strings.Contains(string(text), " at web.shop") {
			t.Errorf("%.20q reached the application: %s %s", request, resp.Status, text)
		}
	}
}

// A proxy that is closed ends what goes through it.
func TestCloseEndsConnections(t *testing.T) {
	at := newForwarding(t, nil, web(t, "shop")...)
	proxy, err := url.Parse("socks5h://" + at)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(proxy)}}
	for range 3 {
		resp, err := client.Get("http://web.shop/")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	// The kept connection is idle now; the clean-up of the test closes the
	// proxy, and goleak sees what is left of it.
}
