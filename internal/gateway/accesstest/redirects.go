package accesstest

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// redirects holds the engine to section 6.
func redirects(t *testing.T, start Engine) {
	a, b := newScript(t), newScript(t)
	objects := append(service("default", "one", a.addr), service("default", "two", a.addr, b.addr)...)
	objects = append(objects, service("default", "none")...)
	objects = append(objects, pod("p", "127.0.0.1", containerPort("http", a.addr)), node("n", 0, inner))
	w := newWorld(t, start, nil, objects...)
	const old = "/api/v1beta1/redirect/"
	var rows []row
	for target, want := range map[string]string{
		old + "services/one": "http://" + a.addr.String(), old + "services/one/": "http://" + a.addr.String(),
		old + "services/https:one:http":                         "https://" + a.addr.String(),
		old + "services/one/a%2Fb?c=%20":                        "http://" + a.addr.String() + "/a%2Fb?c=%20",
		old + "services/one?x":                                  "http://" + a.addr.String() + "/?x",
		old + "pods/p":                                          "http://" + a.addr.String(),
		old + "minions/n":                                       "https://127.0.0.1:10250",
		old + "nodes/n/":                                        "https://127.0.0.1:10250",
		"/api/v1beta2/redirect/services/one":                    "http://" + a.addr.String(),
		"/api/v1beta3/redirect/namespaces/default/services/one": "http://" + a.addr.String(),
		"/api/v1/redirect/namespaces/default/pods/p/":           "http://" + a.addr.String(),
		"/api/v1/redirect/nodes/n":                              "https://127.0.0.1:10250",
		"/api/v1beta1/redirect/services/one?namespace=default":  "http://" + a.addr.String() + "/?namespace=default",
	} {
		rows = append(rows, row{section: "6", words: "307, empty body: " + target, test: func(t *testing.T, c *client) {
			for _, method := range []string{"GET", "HEAD"} {
				if got := c.do(t, method, target, nil); got.code != http.StatusTemporaryRedirect || got.location() != want || got.body != "" {
					t.Errorf("%s: got %d to %q with %q, want 307 to %q", method, got.code, got.location(), got.body, want)
				}
			}
		}})
	}
	w.run(t, append(rows,
		row{section: "6", words: "each call picks anew", test: func(t *testing.T, c *client) {
			seen := map[string]bool{}
			for range 64 {
				seen[c.get(t, old+"services/two").location()] = true
			}
			if want := map[string]bool{"http://" + a.addr.String(): true, "http://" + b.addr.String(): true}; !cmp.Equal(want, seen) {
				t.Errorf("redirected to %v, want %v", seen, want)
			}
		}},
		row{section: "6", words: "GET and HEAD alone", test: func(t *testing.T, c *client) {
			if got := c.do(t, "POST", old+"services/one", nil); got.code != http.StatusMethodNotAllowed {
				t.Errorf("got %d", got.code)
			}
		}},
		refused("6", "errors as for proxy: absent", old+"services/absent", 404, `services "absent" not found`),
		refused("6", "errors as for proxy: no endpoints", old+"services/none", 503, `no endpoints available for service "none"`),
		refused("6", "errors as for proxy: segment", old+"services/a:b:c:d", 400, `invalid service request "a:b:c:d"`),
		row{section: "6", words: "errors as for proxy: 401 and 403", test: func(t *testing.T, c *client) {
			if got := c.get(t, old+"services/one", "Authorization", "Bearer bob-token"); got.code != 403 || got.location() != "" {
				t.Errorf("got %d to %q", got.code, got.location())
			}
			if got := c.get(t, old+"services/one", "Authorization", ""); got.code != 401 || got.location() != "" {
				t.Errorf("got %d to %q", got.code, got.location())
			}
		}},
	))
}
