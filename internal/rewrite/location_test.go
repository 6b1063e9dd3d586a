package rewrite_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-access/causeway/internal/rewrite"
)

var rules = &rewrite.Rules{Prefix: "/p/proxy", ClientHost: "api.example:6443", ClientProto: "https", BackendHost: "10.0.0.1:8080"}

// urls are the rows of section 3 of the specification for every place that
// holds a URL, the better ones first.
var urls = []struct{ name, in, want string }{
	{"better: unparsable: unchanged", "http://[::1/%zz", "http://[::1/%zz"},
	{"better: unparsable: unchanged, a bad port", "http://h:port/x", "http://h:port/x"},
	{"/login?a=b#f", "/login?a=b#f", "/p/proxy/login?a=b#f"},
	{"the root", "/", "/p/proxy/"},
	{"bytes stay as they are", "/%zz%2F\xff;a//b", "/p/proxy/%zz%2F\xff;a//b"},
	{"absolute to the endpoint", "http://10.0.0.1:8080/x?y#z", "https://api.example:6443/p/proxy/x?y#z"},
	{"absolute to the endpoint, by TLS", "https://10.0.0.1:8080/x", "https://api.example:6443/p/proxy/x"},
	{"absolute to the endpoint, prefixed", "http://10.0.0.1:8080/p/proxy/x", "https://api.example:6443/p/proxy/x"},
	{"absolute to the client's own host", "HTTPS://API.example:6443/x", "https://api.example:6443/p/proxy/x"},
	{"absolute to the client's own host, which the backend takes for plain", "http://api.example:6443/x", "https://api.example:6443/p/proxy/x"},
	{"absolute without a path", "http://10.0.0.1:8080", "https://api.example:6443/p/proxy/"},
	{"absolute without a path, with a query", "http://10.0.0.1:8080?q", "https://api.example:6443/p/proxy/?q"},
	{"absolute without a path, with a fragment", "http://10.0.0.1:8080#f", "https://api.example:6443/p/proxy/#f"},
	{"foreign", "https://example.com/x", "https://example.com/x"},
	{"foreign by port", "http://10.0.0.1:9090/x", "http://10.0.0.1:9090/x"},
	{"foreign by user", "http://10.0.0.1:8080@example.com/", "http://10.0.0.1:8080@example.com/"},
	{"foreign by its end", "http://10.0.0.1:8080.example.com/", "http://10.0.0.1:8080.example.com/"},
	{"foreign to some, ours to browsers", `http://10.0.0.1:8080\@example.com/`, `https://api.example:6443/p/proxy\@example.com/`},
	{"no host", "http:///x", "http:///x"},
	{"protocol-relative", "//example.com/x", "//example.com/x"},
	{"protocol-relative to browsers", `/\example.com/x`, `/\example.com/x`},
	{"protocol-relative to browsers, with both turned", `\\example.com/x`, `\\example.com/x`},
	{"protocol-relative to browsers, with a tab", "/\t/example.com/x", "/\t/example.com/x"},
	{"a path to browsers", `\x`, `/p/proxy\x`},
	{"a path out of the root", "/../../x", "/p/proxy/x"},
	{"a path out of the root, prefixed", "/./p/proxy/x", "/./p/proxy/x"},
	{"a path with space around it", " /x ", " /p/proxy/x "},
	{"relative", "x/y", "x/y"},
	{"relative, upwards", "../x", "../x"},
	{"a query", "?x=/y", "?x=/y"},
	{"a fragment", "#x", "#x"},
	{"empty", "", ""},
	{"already prefixed", "/p/proxy/x", "/p/proxy/x"},
	{"the prefix itself", "/p/proxy?x", "/p/proxy?x"},
	{"the prefix itself, with space", "/p/proxy ", "/p/proxy "},
	{"only like the prefix", "/p/proxyx", "/p/proxy/p/proxyx"},
	{"already prefixed, absolute", "https://api.example:6443/p/proxy/x", "https://api.example:6443/p/proxy/x"},
	{"another scheme", "mailto:a@b", "mailto:a@b"},
	{"another scheme to the endpoint", "ftp://10.0.0.1:8080/x", "ftp://10.0.0.1:8080/x"},
	{"script", "javascript:location='/x'", "javascript:location='/x'"},
	{"data", "data:text/html,<a href='/x'>", "data:text/html,<a href='/x'>"},
}

func TestLocation(t *testing.T) {
	for _, tt := range urls {
		h := http.Header{"Location": {tt.in}, "Content-Location": {tt.in}, "Refresh": {"5; url=" + tt.in}}
		rules.Response(h, false)
		want := http.Header{"Location": {tt.want}, "Content-Location": {tt.want}, "Refresh": {"5; url=" + tt.want}}
		if diff := cmp.Diff(want, h); diff != "" {
			t.Errorf("%s, -want +got:\n%s", tt.name, diff)
		}
	}
}

func TestDefaultPortsMayBeMissing(t *testing.T) {
	r := &rewrite.Rules{Prefix: "/p", ClientHost: "api.example", ClientProto: "https", BackendHost: "[fd00::1]:80"}
	for in, want := range map[string]string{
		"http://[FD00::1]/x":         "https://api.example/p/x",
		"http://[fd00::1]:80/x":      "https://api.example/p/x",
		"https://[fd00::1]/x":        "https://[fd00::1]/x",
		"https://api.example:443/x":  "https://api.example/p/x",
		"http://api.example:80/x":    "https://api.example/p/x",
		"https://api.example:8443/x": "https://api.example:8443/x",
	} {
		if got := r.URL(in); got != want {
			t.Errorf("URL(%q) = %q, want %q", in, got, want)
		}
	}
}

// A host of its own has no prefix; what is absolute still leads to it.
func TestNoPrefix(t *testing.T) {
	r := &rewrite.Rules{ClientHost: "web.example", ClientProto: "https", BackendHost: "10.0.0.1:8080"}
	for in, want := range map[string]string{"/x": "/x", "http://10.0.0.1:8080/x": "https://web.example/x", "https://web.example/x": "https://web.example/x"} {
		if got := r.URL(in); got != want {
			t.Errorf("URL(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestRefreshForms(t *testing.T) {
	for in, want := range map[string]string{
		"5": "5", "": "", "5;": "5;", "5; url=": "5; url=", "5; url": "5; url",
		"0;/x": "0;/p/proxy/x", "0 /x": "0 /p/proxy/x", "1, /x": "1, /p/proxy/x", " 1.5;/x": " 1.5;/p/proxy/x",
		"0; URL='/x'": "0; URL='/p/proxy/x'", `0;url = "/x" more`: `0;url = "/p/proxy/x" more`, "0;'/x'": "0;'/p/proxy/x'", `0;url="/x`: `0;url="/p/proxy/x`,
		"/x": "/x", ";/x": ";/x", "soon;/x": "soon;/x", "0x;/x": "0x;/x", "0;url /x": "0;url /x",
		"0;url=http://10.0.0.1:8080/x": "0;url=https://api.example:6443/p/proxy/x",
	} {
		h := http.Header{"Refresh": {in}}
		if rules.Response(h, false); h.Get("Refresh") != want {
			t.Errorf("%q became %q, want %q", in, h.Get("Refresh"), want)
		}
	}
}
