package localproxy_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-access/causeway/internal/localproxy"
	"github.com/causeway-access/causeway/internal/route"
)

// knowing has an API server know of own origins, as Causeway does.
func knowing(a *api) { a.splits, a.knows = true, true }

// ask makes a request of which nothing is changed.
func ask(p http.Handler, method, host, target string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/", nil)
	r.Host, r.RequestURI = host, target
	if u, err := url.ParseRequestURI(target); err == nil {
		r.URL = u
	} else {
		r.URL.Path = target
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	return w
}

func TestNamesLeadToTargets(t *testing.T) {
	for _, server := range []struct {
		name   string
		change []func(*api)
		path   string // of its URL
	}{
		{"Causeway", []func(*api){knowing}, ""},
		{"another API server", nil, ""},
		{"an API server below a path", nil, "/k8s/c1"},
	} {
		t.Run(server.name, func(t *testing.T) {
			a := newAPI(t, server.change...)
			config := a.config(t)
			config.Host += server.path
			p := newProxy(t, localproxy.Config{REST: config, Filter: defaults(t)})
			for _, test := range []struct{ host, target, want string }{
				{"web.default.localhost:8001", "/", "/api/v1/namespaces/default/services/web/proxy/"},
				{"WEB.default.LOCALHOST", "/x", "/api/v1/namespaces/default/services/web/proxy/x"},
				{"https.8443--web.default.localhost:80", "/a%2Fb//c;d?x=%20&y=a+b", "/api/v1/namespaces/default/services/https:web:8443/proxy/a%2Fb//c;d?x=%20&y=a+b"},
				{"http--web--default.localhost:8001", "//double", "/api/v1/namespaces/default/services/web:http/proxy//double"},
				{"web-0.pod.default.localhost:8001", "/api/v1/secrets", "/api/v1/namespaces/default/pods/web-0/proxy/api/v1/secrets"},
				{"10250--n1.example.node.localhost:8001", "/metrics", "/api/v1/nodes/n1.example:10250/proxy/metrics"},
				// Nothing leads out of the target.
				{"web.default.localhost:8001", "/../../../secrets", "/api/v1/namespaces/default/services/web/proxy/secrets"},
				{"web.default.localhost:8001", "/x/%2e%2E/%2e%2e/../secrets", "/api/v1/namespaces/default/services/web/proxy/secrets"},
				{"web.default.localhost:8001", localproxy.StatusPath, "/api/v1/namespaces/default/services/web/proxy" + localproxy.StatusPath},
				{"web.default.localhost:8001", "http://web.default.localhost:8001/absolute", "/api/v1/namespaces/default/services/web/proxy/absolute"},
			} {
				w := ask(p, http.MethodGet, test.host, test.target)
				if strings.HasPrefix(test.target, "http:") { // what net/http makes of it
					r := httptest.NewRequest(http.MethodGet, test.target, nil)
					w = httptest.NewRecorder()
					p.ServeHTTP(w, r)
				}
				if want := "api " + server.path + test.want; w.Code != http.StatusOK || w.Body.String() != want {
					t.Errorf("%s%s: %d %q, want %q", test.host, test.target, w.Code, w.Body, want)
				}
			}
		})
	}
}

func TestWhatAServerIsToldOfAName(t *testing.T) {
	const own = "http://web.default.localhost:8001"
	headers := []string{
		"Origin", own, "Referer", own + "/page?x", "Authorization", "Basic YTpi", "Cookie", "a=1", route.OwnOriginHeader, "http://evil.default.localhost",
		"Impersonate-User", "root",
	}
	for _, test := range []struct {
		name   string
		change []func(*api)
		want   func(api string) http.Header
	}{
		{"Causeway", []func(*api){knowing}, func(string) http.Header {
			return http.Header{
				"Origin": {own}, "Referer": {own + "/page?x"}, "Cookie": {"a=1"}, route.OwnOriginHeader: {own},
				"Authorization": {"Basic YTpi"}, "Proxy-Authorization": {"Bearer " + token},
			}
		}},
		{"another API server", nil, func(api string) http.Header {
			return http.Header{"Origin": {api}, "Referer": {api + "/page?x"}, "Cookie": {"a=1"}, "Authorization": {"Bearer " + token}}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := newAPI(t, test.change...)
			p := newProxy(t, localproxy.Config{REST: a.config(t), Filter: defaults(t)})
			if w := ask(p, http.MethodPost, "web.default.localhost:8001", "/x", headers...); w.Code != http.StatusOK {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
			got := a.seen().Header
			for _, name := range []string{"User-Agent", "Accept-Encoding", "Content-Length"} {
				delete(got, name)
			}
			if diff := cmp.Diff(test.want(a.URL), got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if host := strings.TrimPrefix(a.URL, "https://"); a.seen().Host != host {
				t.Errorf("Host is %s, want %s, by which requests may be routed", a.seen().Host, host)
			}
		})
	}
}

func TestWhichPagesMayUseAName(t *testing.T) {
	a := newAPI(t, knowing)
	p := newProxy(t, localproxy.Config{REST: a.config(t), Filter: defaults(t)})
	const own, name = "http://web.default.localhost:8001", "web.default.localhost:8001"
	link := []string{"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}
	for _, test := range []struct {
		name, method, host string
		header             []string
		refused            bool
	}{
		{name: "no browser", host: name},
		{name: "the address bar", host: name, header: append(link, "Sec-Fetch-Site", "none")},
		{name: "its own page", method: "POST", host: name, header: []string{"Origin", own, "Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "cors"}},
		{name: "its own WebSocket, which says no more", host: name, header: []string{"Origin", own}},
		{name: "its own page by another tunnel", host: "web.default.localhost:9000", header: []string{"Origin", "http://web.default.localhost:9000"}},
		{name: "a page of the same namespace", host: name, header: []string{"Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "no-cors"}, refused: true},
		{name: "a frame of the same namespace", host: name, header: []string{"Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe"}, refused: true},
		{name: "a link in the same namespace", host: name, header: append(link, "Sec-Fetch-Site", "same-site")},
		{name: "a link on another site", host: name, header: append(link, "Sec-Fetch-Site", "cross-site")},
		{name: "a form of the same namespace", method: "POST", host: name, header: append(link, "Sec-Fetch-Site", "same-site"), refused: true},
		{name: "a WebSocket of the same namespace", host: name, header: []string{"Origin", "http://other.default.localhost:8001"}, refused: true},
		{name: "a WebSocket of the same name at another port", host: name, header: []string{"Origin", "http://web.default.localhost:3000"}, refused: true},
		{name: "a WebSocket of a page by TLS", host: name, header: []string{"Origin", "https://web.default.localhost:8001"}, refused: true},
		{name: "a page of the API's origin", host: name, header: []string{"Origin", "http://localhost:8001"}, refused: true},
		{name: "a page of no origin", host: name, header: []string{"Origin", "null"}, refused: true},
		{name: "a page of another site", host: name, header: []string{"Origin", "https://evil.example"}, refused: true},
		{name: "an image on another site", host: name, header: []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors"}, refused: true},
		{name: "two origins", host: name, header: []string{"Origin", own + ", " + own}, refused: true},
		{name: "a page of an application, the API", host: "localhost:8001", header: []string{"Origin", own}, refused: true},
		{name: "a page of another port, the API", host: "localhost:8001", header: []string{"Origin", "http://localhost:3000"}, refused: true},
		{name: "a script of another port, the API", host: "localhost:8001", header: []string{"Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "no-cors"}, refused: true},
	} {
		if test.method == "" {
			test.method = http.MethodGet
		}
		served := a.served.Load()
		w := ask(p, test.method, test.host, "/x", test.header...)
		if got := w.Code == http.StatusForbidden && w.Body.String() == "Forbidden\n"; got != test.refused || got != (a.served.Load() == served) {
			t.Errorf("%s: %d %q, refused should be %t", test.name, w.Code, w.Body, test.refused)
		}
	}
	// Hosts that are accepted on purpose do not make an application's page one.
	f := defaults(t)
	f.AcceptHosts = patterns(t, ".*")
	p = newProxy(t, localproxy.Config{REST: a.config(t), Filter: f})
	if w := ask(p, http.MethodPost, "localhost:8001", "/api/v1/pods", "Origin", own); w.Code != http.StatusForbidden {
		t.Errorf("with all hosts accepted a page of an application may use the API: %d", w.Code)
	}
}

// TestPagesBelowAPrefixAndTheAPI: they have one origin, which must not be enough.
func TestPagesBelowAPrefixAndTheAPI(t *testing.T) {
	a := newAPI(t, knowing)
	const api, target = "/api/v1/secrets", "/api/v1/namespaces/default/services/web/proxy/x"
	page := []string{"Origin", "http://localhost:8001"}
	script := []string{"Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "cors", "Sec-Fetch-Dest", "empty"}
	frame := []string{"Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe"}
	link := []string{"Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}
	for _, test := range []struct {
		name, method, path string
		header             []string
		files, refused     bool
	}{
		{name: "a program", path: api},
		{name: "a script", path: api, header: script, refused: true},
		{name: "a change by a script", method: "POST", path: api, header: append(page, script...), refused: true},
		{name: "a WebSocket", path: api + "?watch=1", header: page, refused: true},
		{name: "a frame", path: api, header: frame, refused: true},
		{name: "a form", method: "POST", path: api, header: link, refused: true},
		{name: "a link", path: api, header: link},
		{name: "a script of an application, for itself", path: target, header: script},
		{name: "its WebSocket", path: target, header: page},
		{name: "a script in files of the user's own", path: api, header: append(page, script...), files: true},
	} {
		cfg := localproxy.Config{REST: a.config(t), Filter: defaults(t)}
		if test.files {
			cfg.StaticDir = t.TempDir()
		}
		if test.method == "" {
			test.method = http.MethodGet
		}
		served := a.served.Load()
		w := ask(newProxy(t, cfg), test.method, "localhost:8001", test.path, test.header...)
		if got := w.Code == http.StatusForbidden; got != test.refused || got != (a.served.Load() == served) {
			t.Errorf("%s: %d %s, refused should be %t", test.name, w.Code, w.Body, test.refused)
		}
		// Whoever has opened it must not be able to look into it.
		if got := w.Header().Get("Content-Security-Policy") == "sandbox"; got != (test.name == "a link") {
			t.Errorf("%s: in a sandbox: %t", test.name, got)
		}
	}
}

func TestPathsAreRefusedByNameAsBelowThePrefix(t *testing.T) {
	a := newAPI(t, knowing)
	f := defaults(t)
	f.AcceptPaths = patterns(t, "^/api/v1/namespaces/default/")
	f.RejectMethods = patterns(t, "DELETE")
	p := newProxy(t, localproxy.Config{REST: a.config(t), Filter: f})
	for _, test := range []struct {
		method, host, path string
		want               int
	}{
		{"GET", "web.default.localhost", "/x", 200},
		{"DELETE", "web.default.localhost", "/x", 403},
		{"GET", "web.kube-system.localhost", "/x", 403},
		{"GET", "web-0.pod.default.localhost", "/exec", 403},
		{"GET", "web-0.pod.default.localhost", "/%65xec", 403},
		{"OPTIONS", "web.default.localhost", "*", 400},
	} {
		if w := ask(p, test.method, test.host, test.path); w.Code != test.want {
			t.Errorf("%s %s%s: %d, want %d", test.method, test.host, test.path, w.Code, test.want)
		}
	}
}

func TestNamesCanBeTurnedOff(t *testing.T) {
	a := newAPI(t, knowing)
	p := newProxy(t, localproxy.Config{REST: a.config(t), Filter: defaults(t), NoNames: true})
	for _, host := range []string{"web.default.localhost:8001", "web.localhost:8001"} {
		if w := ask(p, http.MethodGet, host, "/"); w.Code != http.StatusForbidden || w.Body.String() != "Forbidden\n" {
			t.Errorf("%s: %d %s", host, w.Code, w.Body)
		}
	}
	if a.served.Load() != 0 {
		t.Error("the API server was asked")
	}
}

// FuzzNames sends what it likes as Host and path: what reaches the API server
// is below the prefix of the target that the Host names, or the Host is one of
// the API's own.
func FuzzNames(f *testing.F) {
	for _, path := range []string{"/", "/../x", "/a/%2e%2e/%2e%2e/x", "//", "*", "/?../..", "http://localhost/x", "/%", "/\\..\\..", "x"} {
		f.Add("web.default.localhost:8001", path)
		f.Add("localhost:8001", path)
		f.Add("default.localhost", path)
	}
	a := newAPI(f, knowing)
	p := newProxy(f, localproxy.Config{REST: a.config(f), Filter: defaults(f)})
	f.Fuzz(func(t *testing.T, host, path string) {
		before := a.served.Load()
		w := ask(p, http.MethodGet, host, path)
		if a.served.Load() == before {
			return
		}
		name, _, _ := strings.Cut(host, ":")
		target, named := route.ParseLocalName(name)
		switch {
		case named:
			if got := a.seen().RequestURI; !strings.HasPrefix(got, target.String()+"/") || strings.Contains(got, "/../") {
				t.Errorf("%q %q reached %q", host, path, got)
			}
		case !ours(host):
			t.Errorf("host %q was let through: %d", host, w.Code)
		}
	})
}
