package localproxy_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	pathpkg "path"
	"regexp"
	"strings"
	"testing"

	"github.com/causeway-access/causeway/internal/localproxy"
)

func patterns(t testing.TB, text string) localproxy.Patterns {
	t.Helper()
	p, err := localproxy.ParsePatterns(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func defaults(t testing.TB) *localproxy.Filter {
	return &localproxy.Filter{
		AcceptHosts: patterns(t, localproxy.DefaultAcceptHosts), AcceptPaths: patterns(t, localproxy.DefaultAcceptPaths),
		RejectPaths: patterns(t, localproxy.DefaultRejectPaths), RejectMethods: patterns(t, localproxy.DefaultRejectMethods),
	}
}

func TestWhatTheFilterLetsThrough(t *testing.T) {
	api := newAPI(t)
	p := newProxy(t, localproxy.Config{REST: api.config(t), Filter: defaults(t), StaticDir: t.TempDir()})
	const pods = "/api/v1/namespaces/default/pods"
	tests := []struct {
		name, method, target, host string
		header                     []string
		refused                    bool
	}{
		{name: "localhost", target: "/api", host: "localhost:8001"},
		{name: "the address", target: "/api", host: "127.0.0.1:8001"},
		{name: "the IPv6 address, with a port", target: "/api", host: "[::1]:8001"},
		{name: "the IPv6 address without", target: "/api", host: "[::1]"},
		{name: "a stranger's name for this machine", target: "/api", host: "evil.example:8001", refused: true},
		{name: "a name that ends like one of ours", target: "/api", host: "notlocalhost", refused: true},
		{name: "a stranger's name for the files", target: "/static/x", host: "evil.example", refused: true},
		{name: "a stranger's name for the state", target: localproxy.StatusPath, host: "evil.example", refused: true},
		{name: "exec", method: "POST", target: pods + "/a/exec?command=sh", host: "localhost", refused: true},
		{name: "exec by a doubled slash", method: "POST", target: "/api//v1/namespaces/default/pods/a/exec", host: "localhost", refused: true},
		{name: "exec by an escape", method: "POST", target: pods + "/a/%65xec", host: "localhost", refused: true},
		{name: "exec by dots", method: "POST", target: "/x/.." + pods + "/a/exec", host: "localhost", refused: true},
		{name: "attach", method: "POST", target: pods + "/a/attach", host: "localhost", refused: true},
		{name: "logs", target: pods + "/a/log", host: "localhost"},
		{name: "a page of its own", method: "POST", target: pods, host: "localhost:8001", header: []string{"Origin", "http://localhost:8001"}},
		{name: "a page of another site", method: "POST", target: pods, host: "localhost:8001", header: []string{"Origin", "https://evil.example"}, refused: true},
		{name: "a page of no site", method: "POST", target: pods, host: "localhost:8001", header: []string{"Origin", "null"}, refused: true},
		{name: "an image on another site's page", target: pods, host: "localhost", header: []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "image"}, refused: true},
		{name: "a frame on another site's page", target: pods, host: "localhost", header: []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe"}, refused: true},
		{name: "a link on another site's page", target: pods, host: "localhost", header: []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}},
		{name: "a form on another site's page", method: "POST", target: pods, host: "localhost", header: []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, refused: true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := httptest.NewRequest(test.method, test.target, nil)
			r.Host = test.host
			for i := 0; i < len(test.header); i += 2 {
				r.Header.Set(test.header[i], test.header[i+1])
			}
			w := httptest.NewRecorder()
			p.ServeHTTP(w, r)
			if got := w.Code == http.StatusForbidden; got != test.refused {
				t.Errorf("status %d, refused should be %v", w.Code, test.refused)
			}
			if test.refused && w.Body.String() != "Forbidden\n" {
				t.Errorf("body %q", w.Body)
			}
		})
	}
}

func TestMethodsAndPathsCanBeRefused(t *testing.T) {
	api := newAPI(t)
	f := defaults(t)
	f.RejectMethods, f.AcceptPaths = patterns(t, "POST,PUT,PATCH"), patterns(t, "^/api/v1,^/version")
	p := newProxy(t, localproxy.Config{REST: api.config(t), Filter: f})
	for request, want := range map[string]int{
		"GET /api/v1/pods": 200, "GET /version": 200, "POST /api/v1/pods": 403, "GET /apis/apps/v1": 403, "DELETE /api/v1/pods/x": 200,
	} {
		method, path, _ := strings.Cut(request, " ")
		r := httptest.NewRequest(method, path, nil)
		r.Host = "localhost"
		w := httptest.NewRecorder()
		p.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("%s: %d, want %d", request, w.Code, want)
		}
	}
}

func TestBadPatternIsNamed(t *testing.T) {
	_, err := localproxy.ParsePatterns("^ok$,(")
	if err == nil || !strings.Contains(err.Error(), `"("`) {
		t.Errorf("error: %v", err)
	}
}

// FuzzFilter sends what it likes as Host, path and Origin: nothing made to a
// stranger's host, for a stranger's page, or to exec gets through.
func FuzzFilter(f *testing.F) {
	for _, seed := range []string{"localhost", "[::1]:8001", "127.0.0.1:8001", "evil.example", "localhost:80@evil", "[::1", "a:b:c", ""} {
		f.Add(seed, "/api/v1/namespaces/n/pods/p/exec", "http://"+seed)
		f.Add("localhost", "/api/v1/namespaces/n//pods/./p/../p/exec", "")
	}
	api := newAPI(f)
	p := newProxy(f, localproxy.Config{REST: api.config(f), Filter: defaults(f)})
	f.Fuzz(func(t *testing.T, host, path, origin string) {
		r := httptest.NewRequest(http.MethodGet, localproxy.StatusPath, nil)
		r.Host, r.URL.Path, r.RequestURI = host, path, "/forwarded"
		if origin != "" {
			r.Header.Set("Origin", origin)
		}
		w := httptest.NewRecorder()
		p.ServeHTTP(w, r)
		if w.Code == http.StatusForbidden {
			return
		}
		if !ours(host) {
			t.Errorf("host %q was let through", host)
		}
		if u, err := url.Parse(origin); origin != "" && (err != nil || !ours(u.Host)) {
			t.Errorf("origin %q was let through", origin)
		}
		if matched, _ := regexp.MatchString("^/api/.*/pods/.*/(exec|attach)", pathpkg.Clean("/"+path)); matched {
			t.Errorf("path %q was let through", path)
		}
	})
}

// ours are the hosts that the default filter is for, without regard to ports.
func ours(hostport string) bool {
	host := (&url.URL{Host: hostport}).Hostname()
	return host == "localhost" || host == "127.0.0.1" || host == "::1"
}
