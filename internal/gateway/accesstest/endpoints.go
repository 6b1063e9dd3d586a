package accesstest

import (
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/causeway-access/causeway/test/refusing"
)

// nobody returns an address on which nothing listens.
func nobody(t *testing.T) netip.AddrPort { return refusing.Address(t, "127.0.0.1") }

// named starts a backend that answers with the request's body and its name.
func named(t *testing.T, name string) netip.AddrPort {
	return handled(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, r.Body)
		_, _ = io.WriteString(w, name)
	})
}

// endpoints holds the engine to the choice of endpoints.
func endpoints(t *testing.T, start Engine) {
	dead := nobody(t)
	objects := service("default", "one-lives", nobody(t), nobody(t), named(t, "alive"))
	objects = append(objects, service("default", "dead", dead)...)
	objects = append(objects, service("default", "three", named(t, "a"), named(t, "b"), named(t, "c"))...)
	objects = append(objects, changed(func(s *corev1.Service) { s.Spec.SessionAffinity = corev1.ServiceAffinityClientIP },
		"sticky", named(t, "a"), named(t, "b"), named(t, "c"))...)
	objects = append(objects, conditioned("leaving", nil, map[string]discoveryv1.EndpointConditions{
		named(t, "leaves").String(): {Ready: ptr(false), Serving: ptr(true), Terminating: ptr(true)},
		named(t, "gone").String():   {Ready: ptr(false), Serving: ptr(false), Terminating: ptr(true)}})...)
	objects = append(objects, conditioned("mixed", nil, map[string]discoveryv1.EndpointConditions{
		named(t, "ready").String():  {Ready: ptr(true)},
		named(t, "leaves").String(): {Ready: ptr(false), Serving: ptr(true), Terminating: ptr(true)}})...)
	objects = append(objects, conditioned("early", func(s *corev1.Service) { s.Spec.PublishNotReadyAddresses = true },
		map[string]discoveryv1.EndpointConditions{named(t, "early").String(): {Ready: ptr(false)}})...)
	w := newWorld(t, start, nil, objects...)
	svc := func(name string) string { return proxied("services", name) + "/" }
	refusal := "error trying to reach service: dial tcp " + dead.String() + ": connect: connection refused"
	w.run(t, []row{
		{section: "1", words: "better: a connection that cannot be made is retried on another endpoint, any method", test: func(t *testing.T, c *client) {
			for _, method := range []string{"GET", "POST", "PATCH", "DELETE", "LOCK"} {
				for range 6 {
					if got := c.do(t, method, svc("one-lives"), strings.NewReader("body ")); got.code != 200 || got.body != "body alive" {
						t.Fatalf("%s: got %d %q", method, got.code, got.body)
					}
				}
			}
		}},
		refused("1", "all refused: 503", svc("dead"), 503, refusal),
		{section: "1", words: "all refused: 503, upgrades included", only: http1, test: func(t *testing.T, c *client) {
			c.get(t, svc("dead"), "Connection", "Upgrade", "Upgrade", "websocket").status(t, 503, refusal)
		}},
		answers("better: all endpoints have their turn", svc("three"), "a", "b", "c"),
		{section: "1", words: "better: sessionAffinity: ClientIP", test: func(t *testing.T, c *client) {
			first := c.get(t, svc("sticky")).body
			for range 32 {
				if got := c.get(t, svc("sticky")).body; got != first {
					t.Fatalf("the client came to %q, then to %q", first, got)
				}
			}
		}},
		answers("better: terminating-but-serving endpoints only when no ready one is left", svc("leaving"), "leaves"),
		answers("better: ready ones alone while there are any", svc("mixed"), "ready"),
		answers("publishNotReadyAddresses is honoured", svc("early"), "early"),
	})
	t.Run("1 better: a connection that dies before any byte of a response", func(t *testing.T) { mute(t, start) })
}

// answers is a row for which exactly these bodies come, one at a time.
func answers(words, target string, want ...string) row {
	return row{section: "1", words: words, test: func(t *testing.T, c *client) {
		got := map[string]int{}
		for range 64 {
			got[c.get(t, target).body]++
		}
		for _, name := range want {
			if got[name] == 0 {
				t.Errorf("%q never answered: %v", name, got)
			}
		}
		if len(got) != len(want) {
			t.Errorf("there answered %v, want %v", got, want)
		}
	}}
}

// conditioned is changed for backends with conditions.
func conditioned(name string, change func(*corev1.Service), backends map[string]discoveryv1.EndpointConditions) []runtime.Object {
	if change == nil {
		change = func(*corev1.Service) {}
	}
	out := changed(change, name)
	i := 0
	for addr, conditions := range backends {
		out = append(out, slice(out[0].(*corev1.Service), "http", i, netip.MustParseAddrPort(addr), conditions))
		i++
	}
	return out
}

// mute holds the engine to the lines on connections that die in use. One of
// two backends takes each request and hangs up.
func mute(t *testing.T, start Engine) {
	world := func() (*client, *script, string) {
		bad := newScript(t)
		path := strings.TrimPrefix(bad.does(func(t *turn) { t.over = true }), web)
		w := newWorld(t, start, nil, service("default", "half", bad.addr, named(t, "alive"))...)
		return w.client(http1), bad, proxied("services", "half") + path
	}
	t.Run("is retried for idempotent requests", func(t *testing.T) {
		c, bad, target := world()
		for i := range 16 {
			for _, method := range []string{"GET", "HEAD", "OPTIONS", "PUT", "DELETE"} {
				if got := c.do(t, method, target, nil); got.code != 200 {
					t.Fatalf("%s %d: got %d %q", method, i, got.code, got.body)
				}
			}
		}
		if len(bad.heads.take()) == 0 {
			t.Error("the bad backend was never met")
		}
	})
	t.Run("is not retried for others that may have been done", func(t *testing.T) {
		c, bad, target := world()
		total := 0
		for range 100 {
			got := c.do(t, "POST", target, nil)
			met := len(bad.heads.take())
			total += met
			if met > 1 || met == 1 && got.code != 503 || met == 0 && got.code != 200 {
				t.Fatalf("sent %d times to the bad backend: got %d %q", met, got.code, got.body)
			}
		}
		if total == 0 {
			t.Error("the bad backend was never met")
		}
	})
}
