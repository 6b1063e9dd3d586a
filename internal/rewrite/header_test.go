package rewrite_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-access/causeway/internal/rewrite"
)

// Section 2: what the backend gets of the headers.
func TestRequestHeaders(t *testing.T) {
	for _, tt := range []struct {
		name     string
		in, want http.Header // want without what is set for every request
	}{
		{"better: the application's own Authorization passes", http.Header{"Authorization": {"Basic x"}}, http.Header{"Authorization": {"Basic x"}}},
		{"no Accept-Encoding is added, and none changed", http.Header{"Accept-Encoding": {"gzip, dcz"}}, http.Header{"Accept-Encoding": {"gzip, dcz"}}},
		{"removed: Impersonate-*", http.Header{"Impersonate-User": {"x"}, "Impersonate-Extra-Scopes%2f": {"x"}, "Impersonate-": {"x"}}, nil},
		{"removed: X-Remote-*", http.Header{"X-Remote-User": {"x"}, "X-Remote-Extra-A": {"x"}, "X-Remote-": {"x"}}, nil},
		{"removed: the same to CGI", http.Header{"X_remote_user": {"x"}, "X-Remote_group": {"x"}, "impersonate_user": {"x"}, "X_forwarded_for": {"x"}}, nil},
		{"only like them", http.Header{"Impersonated": {"x"}, "X-Remotely": {"x"}, "X": {"x"}, "I": {"x"}, "X-Forwarded": {"x"}}, http.Header{"Impersonated": {"x"}, "X-Remotely": {"x"}, "X": {"x"}, "I": {"x"}, "X-Forwarded": {"x"}}},
		{"removed: hop-by-hop", http.Header{
			"Connection": {"keep-alive"}, "Proxy-Connection": {"x"}, "Keep-Alive": {"x"}, "Proxy-Authenticate": {"x"}, "Proxy-Authorization": {"x"},
			"Te": {"deflate"}, "Trailer": {"x"}, "Transfer-Encoding": {"chunked"}, "Upgrade": {"h2c"},
		}, nil},
		{"removed: what Connection names", http.Header{"Connection": {"close, x-hop ,,", "X-Other"}, "X-Hop": {"1"}, "X-Other": {"1"}, "X-End": {"1"}}, http.Header{"X-End": {"1"}}},
		{"TE: trailers passes, for gRPC", http.Header{"Te": {"deflate;q=0.5, Trailers"}, "Connection": {"TE"}}, http.Header{"Te": {"trailers"}}},
		{"User-Agent is not made up", http.Header{"User-Agent": {"curl"}}, http.Header{"User-Agent": {"curl"}}},
	} {
		want := http.Header{
			"X-Forwarded-For": {"192.0.2.1"}, "X-Forwarded-Host": {"api"}, "X-Forwarded-Proto": {"https"},
			"X-Forwarded-Uri": {"/p/proxy/x?y"}, "X-Forwarded-Prefix": {"/p/proxy"}, "User-Agent": {""},
		}
		for name, values := range tt.want {
			want[name] = values
		}
		rewrite.Request(tt.in, origin, "session")
		if diff := cmp.Diff(want, tt.in); diff != "" {
			t.Errorf("%s, -want +got:\n%s", tt.name, diff)
		}
	}
}

var origin = rewrite.Origin{Client: "192.0.2.1", Host: "api", Proto: "https", URI: "/p/proxy/x?y", Prefix: "/p/proxy"}

// Set, overwriting what came: X-Forwarded-For (appended) and the others. The
// client cannot have them taken away by naming them in Connection.
func TestForwardedHeaders(t *testing.T) {
	for name, in := range map[string]http.Header{
		"as they came": {},
		"named":        {"Connection": {"x-forwarded-for, X-Forwarded-Host", "X-Forwarded-Proto,X-Forwarded-Uri,X-Forwarded-Prefix,User-Agent"}},
	} {
		in["X-Forwarded-For"] = []string{"10.1.1.1", "10.2.2.2, 10.3.3.3"}
		for _, other := range []string{"Host", "Proto", "Uri", "Prefix"} {
			in["X-Forwarded-"+other] = []string{"forged", "twice"}
		}
		rewrite.Request(in, origin, "")
		want := http.Header{
			"X-Forwarded-For": {"10.1.1.1, 10.2.2.2, 10.3.3.3, 192.0.2.1"}, "X-Forwarded-Host": {"api"}, "X-Forwarded-Proto": {"https"},
			"X-Forwarded-Uri": {"/p/proxy/x?y"}, "X-Forwarded-Prefix": {"/p/proxy"}, "User-Agent": {""},
		}
		if diff := cmp.Diff(want, in); diff != "" {
			t.Errorf("%s, -want +got:\n%s", name, diff)
		}
		// The values have one array, but no room to grow into each other.
		in.Add("X-Forwarded-For", "added")
		if in.Get("X-Forwarded-Host") != "api" {
			t.Errorf("%s: adding to one header changed the next one", name)
		}
	}
}

// Section 3: status, headers and trailers pass, but for these.
func TestResponseHeaders(t *testing.T) {
	cors := func() http.Header {
		return http.Header{"Access-Control-Allow-Origin": {"*"}, "Access-Control-Allow-Credentials": {"true"}, "Access-Control-Expose-Headers": {"x"}}
	}
	for _, tt := range []struct {
		name     string
		keep     bool
		in, want http.Header
	}{
		{"removed: Access-Control-Allow-*", false, cors(), http.Header{"Access-Control-Expose-Headers": {"x"}}},
		{"unless CORS is configured off", true, cors(), cors()},
		{"removed: hop-by-hop", false, http.Header{
			"Connection": {"close, X-Hop"}, "X-Hop": {"1"}, "Keep-Alive": {"1"}, "Proxy-Connection": {"1"}, "Proxy-Authenticate": {"1"},
			"Trailer": {"1"}, "Transfer-Encoding": {"chunked"}, "Upgrade": {"1"}, "Te": {"1"},
		}, http.Header{}},
		{"Link and the others pass", false,
			http.Header{"Link": {"</x>; rel=preload"}, "Cache-Control": {"no-cache"}, "Etag": {`"x"`}, "Content-Length": {"5"}, "Accept-Ranges": {"bytes"}},
			http.Header{"Link": {"</x>; rel=preload"}, "Cache-Control": {"no-cache"}, "Etag": {`"x"`}, "Content-Length": {"5"}, "Accept-Ranges": {"bytes"}}},
		{"removed: what is for the whole origin", false, http.Header{
			"Clear-Site-Data": {`"*"`}, "Alt-Svc": {`h2=":444"`}, "Strict-Transport-Security": {"max-age=9"}, "Public-Key-Pins": {"x"},
		}, http.Header{}},
		{"a service worker is the application's own", false,
			http.Header{"Service-Worker-Allowed": {"../../../"}}, http.Header{"Service-Worker-Allowed": {"/p/proxy/"}}},
		{"several of one", false, http.Header{"Location": {"/a", "/b"}}, http.Header{"Location": {"/p/proxy/a", "/p/proxy/b"}}},
	} {
		rules.Response(tt.in, tt.keep)
		if diff := cmp.Diff(tt.want, tt.in); diff != "" {
			t.Errorf("%s, -want +got:\n%s", tt.name, diff)
		}
	}
}
