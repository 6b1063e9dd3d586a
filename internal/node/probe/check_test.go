package probe_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"

	"github.com/causeway-access/causeway/internal/node/probe"
	"github.com/causeway-access/causeway/test/refusing"
)

// container is a target on loopback whose port "web" is the given one.
func container(port int) probe.Target {
	return probe.Target{IP: netip.MustParseAddr("127.0.0.1"), Container: &corev1.Container{
		Name: "c", Ports: []corev1.ContainerPort{{Name: "web", ContainerPort: int32(port)}},
	}}
}

func portOf(t *testing.T, l net.Addr) int {
	t.Helper()
	tcp, ok := l.(*net.TCPAddr)
	if !ok {
		t.Fatalf("%v is not a TCP address", l)
	}
	return tcp.Port
}

// closedPort is one on which nobody listens.
func closedPort(t *testing.T) int { return int(refusing.Address(t, "127.0.0.1").Port()) }

// expect compares an outcome and a part of the message.
func expect(t *testing.T, got probe.Result, outcome probe.Outcome, part string) {
	t.Helper()
	if got.Outcome != outcome || !strings.Contains(got.Message, part) {
		t.Errorf("got %s %q, want %s with %q", got.Outcome, got.Message, outcome, part)
	}
}

func webServer(t *testing.T) http.Handler {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("a redirect to another host was followed")
	}))
	t.Cleanup(elsewhere.Close)
	mux := http.NewServeMux()
	mux.HandleFunc("/status/{code}", func(w http.ResponseWriter, r *http.Request) {
		code := 0
		for _, digit := range r.PathValue("code") {
			code = 10*code + int(digit-'0')
		}
		w.WriteHeader(code)
	})
	mux.HandleFunc("/query", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RawQuery != "a=b%20c" {
			http.Error(w, r.URL.RawQuery, http.StatusBadRequest)
		}
	})
	mux.HandleFunc("/headers", func(w http.ResponseWriter, r *http.Request) {
		got := []string{r.Host, r.Header.Get("X-Mine"), r.Header.Get("Accept"), r.UserAgent()}
		if want := []string{"example.org", "1", "*/*", "kube-probe/1.37"}; !cmp.Equal(want, got) {
			t.Errorf("host and headers are %q, want %q", got, want)
		}
	})
	mux.HandleFunc("/here", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/status/200", http.StatusFound) })
	mux.HandleFunc("/here-bad", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/status/500", http.StatusFound) })
	mux.HandleFunc("/circle", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/circle", http.StatusFound) })
	mux.HandleFunc("/there", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, strings.Replace(elsewhere.URL, "127.0.0.1", "localhost", 1), http.StatusFound)
	})
	mux.HandleFunc("/long", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 1<<20)) })
	mux.HandleFunc("/slow", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	return mux
}

func TestHTTPGet(t *testing.T) {
	server := httptest.NewServer(webServer(t))
	defer server.Close()
	secure := httptest.NewTLSServer(webServer(t))
	defer secure.Close()
	web, numbered := intstr.FromString("web"), intstr.FromInt(portOf(t, server.Listener.Addr()))
	for _, test := range []struct {
		name    string
		get     corev1.HTTPGetAction
		want    probe.Outcome
		message string
	}{
		{"200", corev1.HTTPGetAction{Path: "/status/200", Port: web}, probe.Success, ""},
		{"port by number", corev1.HTTPGetAction{Path: "/status/204", Port: numbered}, probe.Success, ""},
		{"no such port", corev1.HTTPGetAction{Path: "/", Port: intstr.FromString("nope")}, probe.Unknown, "invalid port number: nope"},
		{"port 0", corev1.HTTPGetAction{Path: "/", Port: intstr.FromInt32(0)}, probe.Unknown, "invalid port number: 0"},
		{"304", corev1.HTTPGetAction{Path: "/status/304", Port: web}, probe.Warning, ""},
		{"404", corev1.HTTPGetAction{Path: "/status/404", Port: web}, probe.Failure, "HTTP probe failed with statuscode: 404"},
		{"500", corev1.HTTPGetAction{Path: "/status/500", Port: web}, probe.Failure, "HTTP probe failed with statuscode: 500"},
		{"no path", corev1.HTTPGetAction{Port: web}, probe.Failure, "statuscode: 404"},
		{"query", corev1.HTTPGetAction{Path: "/query?a=b%20c", Port: web}, probe.Success, ""},
		{"a path that is no URL", corev1.HTTPGetAction{Path: "/%zz", Port: web}, probe.Failure, "404"},
		{"a path that looks like a URL", corev1.HTTPGetAction{Path: "http://192.0.2.1/status/200", Port: web}, probe.Success, ""},
		{"headers", corev1.HTTPGetAction{Path: "/headers", Port: web, HTTPHeaders: []corev1.HTTPHeader{
			{Name: "host", Value: "example.org"}, {Name: "X-Mine", Value: "1"}}}, probe.Success, ""},
		{"redirect on the host", corev1.HTTPGetAction{Path: "/here", Port: web}, probe.Success, ""},
		{"redirect to what fails", corev1.HTTPGetAction{Path: "/here-bad", Port: web}, probe.Failure, "500"},
		{"redirect elsewhere", corev1.HTTPGetAction{Path: "/there", Port: web}, probe.Warning, "Probe terminated redirects"},
		{"redirects without an end", corev1.HTTPGetAction{Path: "/circle", Port: web}, probe.Failure, "stopped after 10 redirects"},
		{"another host", corev1.HTTPGetAction{Path: "/status/200", Port: numbered, Host: "localhost"}, probe.Success, ""},
		{"long answer", corev1.HTTPGetAction{Path: "/long", Port: web}, probe.Success, ""},
		{"refused", corev1.HTTPGetAction{Path: "/", Port: intstr.FromInt(closedPort(t))}, probe.Failure, "connection refused"},
		{"HTTPS, unverified", corev1.HTTPGetAction{Path: "/status/200", Port: intstr.FromInt(portOf(t, secure.Listener.Addr())), Scheme: "HTTPS"}, probe.Success, ""},
		{"HTTPS to HTTP", corev1.HTTPGetAction{Path: "/", Port: web, Scheme: "HTTPS"}, probe.Failure, "server gave HTTP response to HTTPS client"},
	} {
		t.Run(test.name, func(t *testing.T) {
			target := container(portOf(t, server.Listener.Addr()))
			got := probe.Check(t.Context(), target, corev1.ProbeHandler{HTTPGet: &test.get})
			expect(t, got, test.want, test.message)
			if len(got.Message) > 11<<10 {
				t.Errorf("the message has %d bytes", len(got.Message))
			}
		})
	}
}

func TestASlowServerFails(t *testing.T) {
	server := httptest.NewServer(webServer(t))
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	got := probe.Check(ctx, container(portOf(t, server.Listener.Addr())), corev1.ProbeHandler{
		HTTPGet: &corev1.HTTPGetAction{Path: "/slow", Port: intstr.FromString("web")}})
	expect(t, got, probe.Failure, "context deadline exceeded")
}

func TestTCPSocket(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	target := container(portOf(t, listener.Addr()))
	check := func(action corev1.TCPSocketAction) probe.Result {
		return probe.Check(t.Context(), target, corev1.ProbeHandler{TCPSocket: &action})
	}
	expect(t, check(corev1.TCPSocketAction{Port: intstr.FromString("web")}), probe.Success, "")
	expect(t, check(corev1.TCPSocketAction{Port: intstr.FromInt(closedPort(t))}), probe.Failure, "connection refused")
	target.IP = netip.Addr{}
	expect(t, check(corev1.TCPSocketAction{Port: intstr.FromString("web")}), probe.Unknown, "no address")
}

func TestExec(t *testing.T) {
	for _, test := range []struct {
		name    string
		exec    func(context.Context, []string) (int, []byte, error)
		want    probe.Outcome
		message string
	}{
		{"success", func(context.Context, []string) (int, []byte, error) { return 0, []byte("fine"), nil }, probe.Success, "fine"},
		{"failure", func(context.Context, []string) (int, []byte, error) { return 1, []byte("not fine"), nil }, probe.Failure, "not fine"},
		{"failure without a word", func(context.Context, []string) (int, []byte, error) { return 7, nil, nil }, probe.Failure, `command "is it well" exited with 7`},
		{"cannot be run", func(context.Context, []string) (int, []byte, error) { return 0, nil, errors.New("runtime gone") }, probe.Unknown, "runtime gone"},
		{"too long", func(ctx context.Context, _ []string) (int, []byte, error) { <-ctx.Done(); return 0, nil, ctx.Err() }, probe.Failure, `command timed out: "is it well" timed out after`},
	} {
		t.Run(test.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			if test.name == "too long" {
				ctx, cancel = context.WithTimeout(t.Context(), time.Millisecond)
			}
			defer cancel()
			target := container(1)
			target.Exec = test.exec
			got := probe.Check(ctx, target, corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{"is", "it", "well"}}})
			expect(t, got, test.want, test.message)
		})
	}
}

func TestGRPC(t *testing.T) {
	serve := func(register func(*grpc.Server)) int32 {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		server := grpc.NewServer()
		register(server)
		done := make(chan error)
		go func() { done <- server.Serve(listener) }()
		t.Cleanup(func() {
			server.Stop()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
		return int32(portOf(t, listener.Addr()))
	}
	healthy := health.NewServer()
	healthy.SetServingStatus("down", grpc_health_v1.HealthCheckResponse_NOT_SERVING)
	port := serve(func(s *grpc.Server) { grpc_health_v1.RegisterHealthServer(s, healthy) })
	bare := serve(func(*grpc.Server) {})
	for _, test := range []struct {
		name    string
		action  corev1.GRPCAction
		want    probe.Outcome
		message string
	}{
		{"the server", corev1.GRPCAction{Port: port}, probe.Success, ""},
		{"the server, by an empty name", corev1.GRPCAction{Port: port, Service: ptr.To("")}, probe.Success, ""},
		{"a service that is down", corev1.GRPCAction{Port: port, Service: ptr.To("down")}, probe.Failure, `service unhealthy (responded with "NOT_SERVING")`},
		{"a service that nobody knows", corev1.GRPCAction{Port: port, Service: ptr.To("unheard")}, probe.Failure, "unknown service"},
		{"no health protocol", corev1.GRPCAction{Port: bare}, probe.Failure, "does not implement the grpc health protocol"},
		{"refused", corev1.GRPCAction{Port: int32(closedPort(t))}, probe.Failure, "failed to connect service"},
		{"port 0", corev1.GRPCAction{}, probe.Unknown, "invalid port number"},
	} {
		t.Run(test.name, func(t *testing.T) {
			expect(t, probe.Check(t.Context(), container(1), corev1.ProbeHandler{GRPC: &test.action}), test.want, test.message)
		})
	}
}

func TestAHandlerOfNoKindIsUnknown(t *testing.T) {
	expect(t, probe.Check(t.Context(), container(1), corev1.ProbeHandler{}), probe.Unknown, "missing probe handler")
}
