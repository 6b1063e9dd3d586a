package gateway_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/causeway-access/causeway/internal/gateway"
	"github.com/causeway-access/causeway/test/refusing"
)

// closedPort returns an address on which nothing listens.
func closedPort(t *testing.T) netip.AddrPort { return refusing.Address(t, "127.0.0.1") }

// raw is a backend that reads one request's head and hands the connection over.
func raw(t *testing.T, serve func(c net.Conn, head *http.Request)) netip.AddrPort {
	t.Helper()
	return visits(t, func(in *bufio.Reader, c net.Conn) {
		if r, err := http.ReadRequest(in); err == nil {
			serve(c, r)
		}
	})
}

// visits is a backend that is given its connections.
func visits(t *testing.T, serve func(in *bufio.Reader, c net.Conn)) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer c.Close()
				serve(bufio.NewReader(c), c)
			})
		}
	})
	t.Cleanup(func() { l.Close(); wg.Wait() })
	return netip.MustParseAddrPort(l.Addr().String())
}

func ok(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body); io.WriteString(w, name) }
}

// Section 1: a connection that cannot be made is retried, whatever the method.
func TestFailedDialIsRetriedElsewhere(t *testing.T) {
	w := newWorld(t, nil, service("web", closedPort(t), closedPort(t), backend(t, ok("alive")))...)
	for _, method := range []string{"GET", "POST", "PATCH"} {
		for range 5 {
			if resp, body := w.do(method, web+"/", strings.NewReader("body ")); resp.StatusCode != 200 || body != "body alive" {
				t.Fatalf("%s: got %s %q", method, resp.Status, body)
			}
		}
	}
}

func TestAllRefused(t *testing.T) {
	gone := closedPort(t)
	w := newWorld(t, nil, service("web", gone)...)
	want := "error trying to reach service: dial tcp " + gone.String() + ": connect: connection refused"
	for _, headers := range [][]string{nil, {"Connection", "Upgrade", "Upgrade", "websocket"}} {
		resp, body := w.do("GET", web+"/", nil, headers...)
		if got := status(t, body); resp.StatusCode != 503 || got.Message != want || got.Reason != metav1.StatusReasonServiceUnavailable {
			t.Errorf("%v: got %s %q, want 503 %q", headers, resp.Status, got.Message, want)
		}
	}
}

// A backend that takes requests and hangs up without a word.
func TestLostRequestIsRetriedOnlyIfThatIsSafe(t *testing.T) {
	var met atomic.Int32
	bad := raw(t, func(net.Conn, *http.Request) { met.Add(1) })
	w := newWorld(t, nil, service("web", bad, backend(t, ok("alive")))...)
	for range 20 {
		for _, method := range []string{"GET", "PUT", "DELETE"} {
			if resp, body := w.do(method, web+"/", nil); resp.StatusCode != 200 {
				t.Fatalf("%s: got %s %s", method, resp.Status, body)
			}
		}
	}
	if met.Load() == 0 {
		t.Fatal("the bad backend was never met")
	}
	refused := 0
	for range 40 {
		before := met.Load()
		resp, body := w.do("POST", web+"/", nil)
		if met.Load() == before {
			continue
		}
		refused++
		if resp.StatusCode != 503 || met.Load() != before+1 {
			t.Fatalf("a POST that may have been done: got %s %s, sent %d times", resp.Status, body, met.Load()-before)
		}
	}
	if refused == 0 {
		t.Error("no POST met the bad backend")
	}
}

// The story of section 1: one of three replicas is killed under load.
func TestKilledReplicaUnderLoad(t *testing.T) {
	var servers []*httptest.Server
	var addrs []netip.AddrPort
	for i := range 3 {
		s := httptest.NewServer(ok(fmt.Sprint(i)))
		defer s.Close()
		servers, addrs = append(servers, s), append(addrs, addrOf(s))
	}
	w := newWorld(t, nil, service("web", addrs...)...)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}}
	defer client.CloseIdleConnections()
	var done atomic.Int64
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for ctx.Err() == nil {
				r, _ := http.NewRequest("GET", w.URL+web+"/", nil)
				r.Header.Set("Authorization", "Bearer alice-token")
				resp, err := client.Do(r)
				if err != nil {
					t.Error(err)
					return
				}
				body, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if resp.StatusCode != 200 || err != nil {
					t.Errorf("request %d failed: %s %s %v", done.Load(), resp.Status, body, err)
					return
				}
				done.Add(1)
			}
		})
	}
	waitFor(t, func() bool { return done.Load() > 200 })
	servers[1].Listener.Close()
	servers[1].CloseClientConnections()
	at := done.Load()
	waitFor(t, func() bool { return done.Load() > at+600 })
	stop()
	wg.Wait()
}

func waitFor(t *testing.T, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(time.Millisecond) {
		if t.Failed() || time.Now().After(deadline) {
			t.Fatal("waited in vain")
		}
	}
}

// Section 1: addresses that may be dialled.
func TestDeniedAddresses(t *testing.T) {
	self := backend(t, ok("self"))
	pod := func(name, ip string) *corev1.Pod {
		return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}, Status: corev1.PodStatus{PodIP: ip}}
	}
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n"}, Status: corev1.NodeStatus{Addresses: []corev1.NodeAddress{{Type: corev1.NodeHostName, Address: "localhost"}}}}
	objects := append(service("web", self), pod("metadata", "169.254.169.254"), pod("local", "127.0.0.1"), pod("any", "0.0.0.0"), pod("mapped", "::ffff:127.0.0.1"), node)
	w := newWorld(t, func(c *gateway.Config) { c.AllowedCIDRs, c.Own = nil, []netip.AddrPort{self} }, objects...)
	const pods = "/api/v1/namespaces/default/pods/"
	for _, target := range []string{web + "/", pods + "metadata/proxy/", pods + "local:80/proxy/", pods + "any/proxy/", pods + "mapped/proxy/", "/api/v1/nodes/n:80/proxy/", "/api/v1/nodes/n/proxy/"} {
		resp, body := w.do("GET", target, nil)
		if got := status(t, body); resp.StatusCode != 400 || got.Message != "address not allowed" {
			t.Errorf("%s: got %s %q, want 400 address not allowed", target, resp.Status, got.Message)
		}
	}
	t.Run("its own listener, though loopback is allowed", func(t *testing.T) {
		w := newWorld(t, func(c *gateway.Config) {
			c.Own = []netip.AddrPort{netip.AddrPortFrom(netip.IPv6Unspecified(), self.Port())}
		}, service("web", self)...)
		if resp, _ := w.do("GET", web+"/", nil); resp.StatusCode != 400 {
			t.Errorf("got %s, want 400", resp.Status)
		}
	})
}

// Section 6.
func TestRedirect(t *testing.T) {
	a, b := backend(t, echo), backend(t, echo)
	w := newWorld(t, nil, service("web", a, b)...)
	const old = "/api/v1beta1/redirect/services/"
	seen := map[string]bool{}
	for range 64 {
		resp, body := w.do("GET", old+"web/", nil)
		if resp.StatusCode != 307 || body != "" {
			t.Fatalf("got %s %q", resp.Status, body)
		}
		seen[resp.Header.Get("Location")] = true
	}
	if !seen["http://"+a.String()] || !seen["http://"+b.String()] || len(seen) != 2 {
		t.Errorf("redirected to %v", seen)
	}
	one := newWorld(t, nil, service("web", a)...)
	for target, want := range map[string]string{
		old + "web":              "http://" + a.String(),
		old + "https:web:http":   "https://" + a.String(),
		old + "web/a%2Fb?c=d":    "http://" + a.String() + "/a%2Fb?c=d",
		old + "web?x":            "http://" + a.String() + "/?x",
		old + "web?namespace=no": "",
		"/api/v1/redirect/namespaces/default/services/web/": "http://" + a.String(),
	} {
		resp, _ := one.do("HEAD", target, nil)
		if got := resp.Header.Get("Location"); got != want || (want == "") != (resp.StatusCode == 404) {
			t.Errorf("%s: got %s to %q, want %q", target, resp.Status, got, want)
		}
	}
	if resp, _ := one.do("POST", old+"web", nil); resp.StatusCode != 405 {
		t.Errorf("POST: got %s", resp.Status)
	}
}
