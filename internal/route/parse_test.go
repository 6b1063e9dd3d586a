package route_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/causeway-access/causeway/internal/route"
)

// TestURLForms has a row for each line of the table of URL forms.
func TestURLForms(t *testing.T) {
	tests := []struct {
		name, path, query string
		want              route.Target
		canonical         string
	}{
		{
			name: "service, now", path: "/api/v1/namespaces/ns/services/web/proxy/a/b", query: "x=1",
			want:      route.Target{Resource: route.Services, Namespace: "ns", Segment: "web", Name: "web", Prefix: "/api/v1/namespaces/ns/services/web/proxy", Path: "/a/b", Query: "x=1"},
			canonical: "/api/v1/namespaces/ns/services/web/proxy/a/b?x=1",
		}, {
			name: "pod, now, bare", path: "/api/v1/namespaces/ns/pods/p:8080/proxy",
			want:      route.Target{Resource: route.Pods, Namespace: "ns", Segment: "p:8080", Name: "p", Port: "8080", Prefix: "/api/v1/namespaces/ns/pods/p:8080/proxy"},
			canonical: "/api/v1/namespaces/ns/pods/p:8080/proxy",
		}, {
			name: "node, now", path: "/api/v1/nodes/n1/proxy/metrics",
			want:      route.Target{Resource: route.Nodes, Segment: "n1", Name: "n1", Prefix: "/api/v1/nodes/n1/proxy", Path: "/metrics"},
			canonical: "/api/v1/nodes/n1/proxy/metrics",
		}, {
			name: "segment escaped", path: "/api/v1/namespaces/ns/services/https%3Aweb%3A/proxy/",
			want:      route.Target{Resource: route.Services, Namespace: "ns", Segment: "https:web:", Scheme: "https", Name: "web", Prefix: "/api/v1/namespaces/ns/services/https%3Aweb%3A/proxy", Path: "/"},
			canonical: "/api/v1/namespaces/ns/services/https:web:/proxy/",
		}, {
			name: "service, 1.0 to 1.9", path: "/api/v1/proxy/namespaces/ns/services/web/x",
			want:      route.Target{Resource: route.Services, Namespace: "ns", Segment: "web", Name: "web", Prefix: "/api/v1/proxy/namespaces/ns/services/web", Path: "/x", Legacy: true},
			canonical: "/api/v1/namespaces/ns/services/web/proxy/x",
		}, {
			name: "node, 1.0 to 1.9", path: "/api/v1/proxy/nodes/n1/",
			want:      route.Target{Resource: route.Nodes, Segment: "n1", Name: "n1", Prefix: "/api/v1/proxy/nodes/n1", Path: "/", Legacy: true},
			canonical: "/api/v1/nodes/n1/proxy/",
		}, {
			name: "pod, v1beta3", path: "/api/v1beta3/proxy/namespaces/ns/pods/p",
			want:      route.Target{Resource: route.Pods, Namespace: "ns", Segment: "p", Name: "p", Prefix: "/api/v1beta3/proxy/namespaces/ns/pods/p", Legacy: true},
			canonical: "/api/v1/namespaces/ns/pods/p/proxy",
		}, {
			name: "service, v1beta1, default namespace", path: "/api/v1beta1/proxy/services/elasticsearch-logging/_cluster/health", query: "pretty=true",
			want:      route.Target{Resource: route.Services, Namespace: "default", Segment: "elasticsearch-logging", Name: "elasticsearch-logging", Prefix: "/api/v1beta1/proxy/services/elasticsearch-logging", Path: "/_cluster/health", Query: "pretty=true", Legacy: true},
			canonical: "/api/v1/namespaces/default/services/elasticsearch-logging/proxy/_cluster/health?pretty=true",
		}, {
			name: "service, v1beta2, namespace in the query, which stays", path: "/api/v1beta2/proxy/services/web/", query: "a=b&namespace=kube%2Dsystem",
			want:      route.Target{Resource: route.Services, Namespace: "kube-system", Segment: "web", Name: "web", Prefix: "/api/v1beta2/proxy/services/web", Path: "/", Query: "a=b&namespace=kube%2Dsystem", Legacy: true},
			canonical: "/api/v1/namespaces/kube-system/services/web/proxy/?a=b&namespace=kube%2Dsystem",
		}, {
			name: "minion, v1beta1", path: "/api/v1beta1/proxy/minions/m/stats", query: "namespace=x",
			want:      route.Target{Resource: route.Nodes, Segment: "m", Name: "m", Prefix: "/api/v1beta1/proxy/minions/m", Path: "/stats", Query: "namespace=x", Legacy: true},
			canonical: "/api/v1/nodes/m/proxy/stats?namespace=x",
		}, {
			name: "ns in the path, early 2015", path: "/api/v1beta1/proxy/ns/kube-system/services/web/x",
			want:      route.Target{Resource: route.Services, Namespace: "kube-system", Segment: "web", Name: "web", Prefix: "/api/v1beta1/proxy/ns/kube-system/services/web", Path: "/x", Legacy: true},
			canonical: "/api/v1/namespaces/kube-system/services/web/proxy/x",
		}, {
			name: "redirect, v1beta1", path: "/api/v1beta1/redirect/services/elasticsearch-logging/",
			want:      route.Target{Verb: route.Redirect, Resource: route.Services, Namespace: "default", Segment: "elasticsearch-logging", Name: "elasticsearch-logging", Prefix: "/api/v1beta1/redirect/services/elasticsearch-logging", Path: "/", Legacy: true},
			canonical: "/api/v1/redirect/namespaces/default/services/elasticsearch-logging/",
		}, {
			name: "redirect, v1beta3", path: "/api/v1beta3/redirect/namespaces/ns/pods/p",
			want:      route.Target{Verb: route.Redirect, Resource: route.Pods, Namespace: "ns", Segment: "p", Name: "p", Prefix: "/api/v1beta3/redirect/namespaces/ns/pods/p", Legacy: true},
			canonical: "/api/v1/redirect/namespaces/ns/pods/p",
		}, {
			name: "redirect of a node, v1", path: "/api/v1/redirect/nodes/n1",
			want:      route.Target{Verb: route.Redirect, Resource: route.Nodes, Segment: "n1", Name: "n1", Prefix: "/api/v1/redirect/nodes/n1", Legacy: true},
			canonical: "/api/v1/redirect/nodes/n1",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := route.Parse(tt.path, tt.query)
			if !ok {
				t.Fatalf("Parse(%q, %q) found no target", tt.path, tt.query)
			}
			if diff := cmp.Diff(tt.want, got, cmpopts.IgnoreUnexported(route.Target{})); diff != "" {
				t.Errorf("Parse(%q, %q), -want +got:\n%s", tt.path, tt.query, diff)
			}
			if s := got.String(); s != tt.canonical {
				t.Errorf("String() = %q, want %q", s, tt.canonical)
			}
		})
	}
}

func TestWhatIsNoTarget(t *testing.T) {
	for _, path := range []string{
		"", "/", "/api", "/api/v1", "/api/v1/", "/apis/apps/v1/namespaces/ns/services/web/proxy",
		"/api/v1/namespaces/ns/services/web", "/api/v1/namespaces/ns/services/web/", "/api/v1/namespaces/ns/services/web/status",
		"/api/v1/namespaces/ns/services/web/proxyx", "/api/v1/namespaces/ns/services//proxy", "/api/v1/namespaces//services/web/proxy",
		"/api/v1/namespaces/ns/nodes/n/proxy", "/api/v1/services/web/proxy", "/api/v1/minions/m/proxy",
		"/api/v1/namespaces/ns/pods/p/exec", "/api/v1beta3/namespaces/ns/services/web/proxy", "/api/v1beta1/services/web",
		"/api/v1/namespaces/../services/web/proxy", "/api/v1/namespaces/ns/services/%2e%2e/proxy/", "/api/v1/namespaces/ns/services/%zz/proxy/",
		"//api/v1/nodes/n/proxy", "/api/v1beta1/redirect/ns/x/services/web", "/api/v2/proxy/nodes/n",
	} {
		if got, ok := route.Parse(path, ""); ok {
			t.Errorf("Parse(%q) = %+v, want no target", path, got)
		}
	}
}

func TestNameSegments(t *testing.T) {
	tests := []struct {
		segment, scheme, name, port string
		invalid                     string
	}{
		{segment: "web", name: "web"},
		{segment: "web:http", name: "web", port: "http"},
		{segment: "web:", name: "web"},
		{segment: "https:web:", scheme: "https", name: "web"},
		{segment: "https:web:443", scheme: "https", name: "web", port: "443"},
		{segment: "http:web:http", scheme: "http", name: "web", port: "http"},
		{segment: ":web:http", name: "web", port: "http"},
		{segment: "https:a", name: "https", port: "a"},
		{segment: "ftp:a:b", invalid: `invalid service request "ftp:a:b"`},
		{segment: "HTTPS:a:b", invalid: `invalid service request "HTTPS:a:b"`},
		{segment: "a:b:c:d", invalid: `invalid service request "a:b:c:d"`},
		{segment: ":a", invalid: `invalid service request ":a"`},
		{segment: "::", invalid: `invalid service request "::"`},
		{segment: "a%2Fb", invalid: `invalid service request "a/b"`},
		{segment: "a%00", invalid: `invalid service request "a\x00"`},
	}
	for _, tt := range tests {
		t.Run(tt.segment, func(t *testing.T) {
			got, ok := route.Parse("/api/v1/namespaces/ns/services/"+tt.segment+"/proxy/", "")
			if !ok {
				t.Fatal("no target")
			}
			err := got.Check()
			if tt.invalid != "" {
				if err == nil || err.Error() != tt.invalid {
					t.Fatalf("Check() = %v, want BadRequest %q", err, tt.invalid)
				}
				return
			}
			if err != nil || got.Scheme != tt.scheme || got.Name != tt.name || got.Port != tt.port {
				t.Errorf("got %q %q %q, %v; want %q %q %q", got.Scheme, got.Name, got.Port, err, tt.scheme, tt.name, tt.port)
			}
		})
	}
}

func TestPathIsKeptButForDotSegments(t *testing.T) {
	for path, want := range map[string]string{
		"":                 "",
		"/":                "/",
		"//":               "//",
		"/a//b/":           "/a//b/",
		"/a%2Fb;c=d":       "/a%2Fb;c=d",
		"/a/./b":           "/a/b",
		"/a/../b":          "/b",
		"/../../b":         "/b",
		"/..":              "/",
		"/a/b/..":          "/a/",
		"/a/.":             "/a/",
		"/a/%2e%2E/b":      "/b",
		"/a/.%2e/../../b":  "/b",
		"/a//../b":         "/a/b",
		"/...":             "/...",
		"/.a/..b":          "/.a/..b",
		"/x/..%2f..%2fapi": "/x/..%2f..%2fapi",
	} {
		got, ok := route.Parse("/api/v1/nodes/n/proxy"+path, "")
		if !ok || got.Path != want {
			t.Errorf("path %q became %q (target %t), want %q", path, got.Path, ok, want)
		}
	}
}

// What HTTP/2 can bring and a request line of HTTP/1.1 cannot hold.
func TestWhatWouldBreakTheRequestLine(t *testing.T) {
	for _, part := range []string{"/a b", "/a HTTP/1.1", "/a\tb", "/a\r\nX: 1", "/a\x00", "/a\x7f", " ", "/ "} {
		for _, url := range [][2]string{{part, ""}, {"/", part}} {
			got, ok := route.Parse("/api/v1/nodes/n/proxy"+url[0], url[1])
			if part[0] != '/' && url[0] == part {
				continue // no path begins so
			}
			want := &route.LineError{Part: part}
			if err := got.Check(); !ok || err == nil || err.Error() != want.Error() {
				t.Errorf("%q: Check() = %v (target %t), want %v", url, err, ok, want)
			}
		}
	}
	got, _ := route.Parse("/api/v1/nodes/n/proxy/\xff\xc3\xa9|\"", "a=\xff")
	if err := got.Check(); err != nil {
		t.Errorf("bytes above ASCII: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"/api/v1/namespaces/ns/services/https:web:/proxy/a/../b", "/api/v1beta1/proxy/services/x/", "/api/v1beta1/redirect/minions/m",
		"/api/v1/proxy/nodes/n//", "/api/v1beta1/proxy/ns/a/pods/b%3Ac", "/api/v1/nodes/%/proxy", "/api/v1/nodes/a%2fb/proxy/%2e%2e/..", "/api/v1/nodes/n/proxy/?",
		"/api/v1/nodes/n/proxy/a HTTP/1.1\r\n", "/api/v1/namespaces/%20/pods/a:b:c:d/proxy//..//%2E%2e/", "/api/v1beta2/redirect/pods/:p:", "/api/v1beta3/proxy/namespaces/n%2fs/services/https:a:/",
	} {
		f.Add(seed, "namespace=a&b")
	}
	f.Fuzz(func(t *testing.T, path, query string) {
		first, ok := route.Parse(path, query)
		if !ok {
			return
		}
		if got := first.Prefix; len(path) < len(got) || path[:len(got)] != got {
			t.Fatalf("prefix %q is not the beginning of %q", got, path)
		}
		again, ok := route.Parse(split(first.String()))
		if !ok {
			t.Fatalf("%q prints as %q, which is no target", path, first.String())
		}
		if first.String() != again.String() || first.Segment != again.Segment || first.Namespace != again.Namespace || first.Path != again.Path {
			t.Errorf("%q prints as %q, then as %q", path, first.String(), again.String())
		}
		if first.Check() == nil && strings.ContainsAny(first.Path+first.Query, " \r\n\t\x00") {
			t.Errorf("%q passes, though it breaks the request line", first.String())
		}
		if (first.Check() == nil) != (again.Check() == nil) {
			t.Errorf("%q: Check is %v, then %v", path, first.Check(), again.Check())
		}
	})
}

func split(url string) (path, query string) {
	for i := range len(url) {
		if url[i] == '?' {
			return url[:i], url[i+1:]
		}
	}
	return url, ""
}
