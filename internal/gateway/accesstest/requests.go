package accesstest

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/user"

	"github.com/causeway-access/causeway/internal/certs"
	"github.com/causeway-access/causeway/internal/gateway"
)

// requests holds the engine to section 2, but for bodies.
func requests(t *testing.T, start Engine) {
	w := newWorld(t, start, nil)
	w.run(t, pathRows())
	t.Run(http1+" 2 path: a malformed escape is refused", w.escapesRefused)
	t.Run(http2+" 2 path: a malformed escape is refused", w.escapesReset)
	w.run(t, slashRows())
	w.run(t, headerRows())
	t.Run("credentials", func(t *testing.T) { credentials(t, start) })
}

func pathRows() []row {
	arrives := func(words, path, want string) row {
		return row{section: "2", words: words + " " + path, test: func(t *testing.T, c *client) {
			if got := c.get(t, web+path).echoed(t); got.line != "GET "+want {
				t.Errorf("the backend got %q, want %q", got.line, want)
			}
		}}
	}
	kept := func(words, path string) row { return arrives(words, path, path) }
	return []row{
		kept("better: %2F kept", "/a%2Fb%2fc"), kept("better: // kept", "//"), kept("better: // kept", "//a//b"), kept("better: ; kept", "/a;b=c/d;e"),
		kept("better: // and escaped bytes kept together", "//a%2Fb"), kept("better: // and escaped bytes kept together", "//x%41/%ff"),
		kept("path as sent", "/"), kept("path as sent", "/%ff%C3%A9%c3%a9"), kept("path as sent", "/a|b\"<>^`{}"), kept("path as sent", "/a+b%20c,d!$&'()*@:=~"),
		arrives("dot segments are resolved first", "/a/./b/../c", "/a/c"), arrives("dot segments are resolved first", "/a/%2e%2E/b", "/b"), arrives("dot segments are resolved first", "/a/b/..", "/a/"),
		arrives("and cannot leave the prefix", "/../../../api/v1/secrets", "/api/v1/secrets"), arrives("and cannot leave the prefix", "/..", "/"), kept("an escaped slash ends no segment", "/..%2f..%2fapi"),
		kept("better: query byte-exact", "/x?a=%20&b=+;c&&d==&%zz"), kept("better: query byte-exact", "/x?"+"a?b/c"), kept("better: query byte-exact", "/x?"), kept("better: query byte-exact", "/?"), kept("better: dryRun is not special", "/x?dryRun=All"), kept("better: dryRun is not special", "/x?dryRun=nonsense"),
		kept("nor are others of the API", "/x?watch=true&timeout=1&pretty&fieldSelector=a"),
		{section: "2", words: "better: query byte-exact, on upgrades too", only: http1, test: func(t *testing.T, c *client) {
			got := make(chan string, 1)
			target := c.script.does(func(t *turn) {
				got <- t.target()
				t.write("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
			})
			c.get(t, target+"?a=%20;b&dryRun=All", "Connection", "Upgrade", "Upgrade", "x")
			if _, query, _ := strings.Cut(<-got, "?"); query != "a=%20;b&dryRun=All" {
				t.Errorf("the backend got the query %q", query)
			}
		}},
	}
}

// slashRows are the lines on a bare target.
func slashRows() []row {
	var rows []row
	for target, want := range map[string]string{
		web: web + "/", web + "?a=b%20c": web + "/?a=b%20c", web + "?": web + "/?",
		"/api/v1/proxy/namespaces/default/services/https:web:": "/api/v1/proxy/namespaces/default/services/https:web:/",
		"/api/v1beta1/proxy/services/web?namespace=default":    "/api/v1beta1/proxy/services/web/?namespace=default",
		"/api/v1beta1/proxy/ns/default/services/web":           "/api/v1beta1/proxy/ns/default/services/web/",
		"/api/v1/nodes/n/proxy":                                "/api/v1/nodes/n/proxy/",
	} {
		rows = append(rows, row{section: "2", words: "bare target: 301 to itself plus /, path-relative " + target, test: func(t *testing.T, c *client) {
			for _, method := range []string{"GET", "HEAD"} {
				got := c.do(t, method, target, nil)
				path, query, _ := strings.Cut(target, "?")
				to, err := (&url.URL{Scheme: "https", Host: "gateway", Path: path, RawQuery: query}).Parse(got.location())
				if got.code != http.StatusMovedPermanently || strings.HasPrefix(got.location(), "/") || err != nil || to.Host != "gateway" || to.RequestURI() != want {
					t.Errorf("%s: got %d to %q, want 301 to %s", method, got.code, got.location(), want)
				}
			}
		}})
	}
	return append(rows, row{section: "2", words: "bare target, other methods: backend path /", test: func(t *testing.T, c *client) {
		for _, target := range []string{web, "/api/v1/proxy/namespaces/default/services/web"} {
			if got := c.do(t, "POST", target+"?a", nil).echoed(t); got.line != "POST /?a" {
				t.Errorf("%s: the backend got %q", target, got.line)
			}
		}
	}})
}

// headerRows are what is removed, set and kept.
func headerRows() []row {
	sees := func(words string, headers []string, header, want string) row {
		return row{section: "2", words: words, test: func(t *testing.T, c *client) {
			if got := c.get(t, web+"/x?y=%20z", headers...).echoed(t); got.value(header) != want {
				t.Errorf("the backend got %s: %q, want %q", header, got.value(header), want)
			}
		}}
	}
	return []row{
		sees("removed: the credential that authenticated the caller", nil, "Authorization", ""),
		sees("removed: X-Remote-User", []string{"X-Remote-User", "root"}, "X-Remote-User", ""),
		sees("removed: X-Remote-Group", []string{"X-Remote-Group", "system:masters"}, "X-Remote-Group", ""),
		sees("removed: X-Remote-Extra-*", []string{"X-Remote-Extra-Scopes", "all"}, "X-Remote-Extra-Scopes", ""),
		sees("removed: hop-by-hop", []string{"Proxy-Authenticate", "Basic", "Proxy-Connection", "keep-alive"}, "Proxy-Authenticate", ""),
		sees("Host: the client's", []string{"Host", "apps.example:8443"}, "Host", "apps.example:8443"),
		sees("X-Forwarded-For appended", []string{"X-Forwarded-For", "203.0.113.9"}, "X-Forwarded-For", "203.0.113.9, 127.0.0.1"),
		sees("X-Forwarded-For set", nil, "X-Forwarded-For", "127.0.0.1"),
		sees("X-Forwarded-Host overwritten", []string{"X-Forwarded-Host", "evil", "Host", "apps.example"}, "X-Forwarded-Host", "apps.example"),
		sees("X-Forwarded-Proto overwritten", []string{"X-Forwarded-Proto", "http"}, "X-Forwarded-Proto", "https"),
		sees("X-Forwarded-Uri overwritten: the path and query as the client sent them", []string{"X-Forwarded-Uri", "/evil"}, "X-Forwarded-Uri", web+"/x?y=%20z"),
		sees("X-Forwarded-Prefix overwritten: the external prefix", []string{"X-Forwarded-Prefix", "/evil"}, "X-Forwarded-Prefix", web),
		sees("no Accept-Encoding is added", nil, "Accept-Encoding", ""),
		sees("Accept-Encoding passes", []string{"Accept-Encoding", "br, x-mine"}, "Accept-Encoding", "br, x-mine"),
		sees("TE: trailers passes, nothing else of it", []string{"Te", "trailers"}, "Te", "trailers"),
		sees("no User-Agent is made up", []string{"User-Agent", ""}, "X-Any", ""),
		sees("all else passes", []string{"X-Any", "a", "X-Any", "b"}, "X-Any", "a|b"),
		sees("Cookie passes", []string{"Cookie", "a=1; b=\"2\""}, "Cookie", `a=1; b="2"`),
		sees("Range passes", []string{"Range", "bytes=0-1"}, "Range", "bytes=0-1"),
		sees("traceparent passes", []string{"Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}, "Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
	}
}

// credentials holds the engine to what of a request's credentials is whose.
func credentials(t *testing.T, start Engine) {
	const application = "Basic YXBwOmFwcA=="
	w := newWorld(t, start, nil)
	byCertificate := w.leaf(certs.Leaf{CommonName: "dave", Client: true})
	for _, protocol := range []string{http1, http2} {
		t.Run(protocol+" 2 better: the caller's certificate: his Authorization passes", func(t *testing.T) {
			c := w.client(protocol, byCertificate)
			if got := c.get(t, web+"/", "Authorization", application).echoed(t); got.value("Authorization") != application {
				t.Errorf("the backend got %q", got.value("Authorization"))
			}
		})
		t.Run(protocol+" 2 better: Proxy-Authorization: his Authorization passes", func(t *testing.T) {
			c := w.client(protocol)
			got := c.get(t, web+"/", "Authorization", application, "Proxy-Authorization", "Bearer alice-token").echoed(t)
			if got.value("Authorization") != application || got.value("Proxy-Authorization") != "" {
				t.Errorf("the backend got %q and %q", got.value("Authorization"), got.value("Proxy-Authorization"))
			}
		})
		t.Run(protocol+" 2 removed: a password", func(t *testing.T) {
			c := w.client(protocol)
			if got := c.get(t, web+"/", "Authorization", basic).echoed(t); got.value("Authorization") != "" {
				t.Errorf("the backend got %q", got.value("Authorization"))
			}
		})
	}
	cookies := newWorld(t, start, func(c *gateway.Config) {
		c.SessionCookie = "session"
		c.Authenticator = authenticator.RequestFunc(func(r *http.Request) (*authenticator.Response, bool, error) {
			cookie, err := r.Cookie("session")
			return &authenticator.Response{User: &user.DefaultInfo{Name: "erin"}}, err == nil && cookie.Value == "s3cret", nil
		})
	})
	cookies.run(t, []row{{section: "2", words: "removed: the session cookie; better: with it his Authorization passes", test: func(t *testing.T, c *client) {
		got := c.get(t, web+"/", "Authorization", application, "Cookie", "a=1; session=s3cret; b=2").echoed(t)
		if got.value("Authorization") != application || strings.ReplaceAll(got.value("Cookie"), "|", "; ") != "a=1; b=2" {
			t.Errorf("the backend got %q and the cookies %q", got.value("Authorization"), got.value("Cookie"))
		}
	}}})
}
