package route_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/causeway-access/causeway/internal/route"
)

func TestParseForward(t *testing.T) {
	const pods, services = "/api/v1/namespaces/n/pods/p/portforward", "/api/v1/namespaces/n/services/a:b/portforward"
	tests := []struct {
		path string
		want route.Target
		ok   bool
	}{
		{pods, route.Target{Resource: route.Pods, Namespace: "n", Segment: "p", Name: "p", Prefix: pods}, true},
		{services, route.Target{Resource: route.Services, Namespace: "n", Segment: "a:b", Name: "a:b", Prefix: services}, true},
		{"/api/v1/namespaces/n/pods/p%2Fq/portforward", route.Target{
			Resource: route.Pods, Namespace: "n", Segment: "p/q", Name: "p/q", Prefix: "/api/v1/namespaces/n/pods/p%2Fq/portforward",
		}, true},
		{path: pods + "/"},
		{path: pods + "/x"},
		{path: "/api/v1/namespaces/n/pods/../portforward"},
		{path: "/api/v1/namespaces/n/pods//portforward"},
		{path: "/api/v1/namespaces/n/nodes/p/portforward"},
		{path: "/api/v1/nodes/p/portforward"},
		{path: "/api/v1beta3/namespaces/n/pods/p/portforward"},
		{path: "/apis/v1/namespaces/n/pods/p/portforward"},
		{path: "/api/v1/namespaces/n/pods/p/proxy/portforward"},
	}
	for _, test := range tests {
		got, ok := route.ParseForward(test.path)
		if ok != test.ok {
			t.Errorf("%s: %v, want %v", test.path, ok, test.ok)
		}
		if diff := cmp.Diff(test.want, got, cmpopts.IgnoreUnexported(route.Target{})); diff != "" {
			t.Errorf("%s: -want +got:\n%s", test.path, diff)
		}
	}
}

// No path is a target of both kinds: which of the two is asked first does not
// matter to who may.
func FuzzParseForward(f *testing.F) {
	f.Add("/api/v1/namespaces/n/pods/p/portforward")
	f.Add("/api/v1/namespaces/n/services/s/proxy/portforward")
	f.Add("/api/v1/namespaces/%2e%2e/services/%/portforward")
	f.Add("/api/v1/namespaces//services/s/portforward?x")
	f.Fuzz(func(t *testing.T, path string) {
		target, ok := route.ParseForward(path)
		if !ok {
			return
		}
		if _, both := route.Parse(path, ""); both {
			t.Errorf("%q is a target of both kinds", path)
		}
		if target.Name == "" || target.Namespace == "" || !strings.HasSuffix(path, "/portforward") && !strings.Contains(path, "%") {
			t.Errorf("%q gives %+v", path, target)
		}
	})
}
