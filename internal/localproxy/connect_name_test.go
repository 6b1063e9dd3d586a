package localproxy

import (
	"net"
	"net/http"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/causeway-access/causeway/internal/portforward"
)

func TestParseClusterName(t *testing.T) {
	service := portforward.Target{Resource: "services", Namespace: "shop", Name: "db"}
	pod := portforward.Target{Resource: "pods", Namespace: "shop", Name: "db-0"}
	for name, want := range map[string]portforward.Target{
		"db.shop": service, "DB.Shop.": service, "db.shop.svc": service, "db.shop.svc.cluster.local": service,
		"db-0.pod.shop": pod, "db-0.shop.pod": pod, "db-0.shop.pod.cluster.local": pod,
		"db-0.db.shop.svc": pod, "db-0.db.shop.svc.cluster.local": pod,
	} {
		if got, ok := parseClusterName(name); !ok || got != want {
			t.Errorf("%s: %+v, %v, want %+v", name, got, ok, want)
		}
	}
	for _, name := range []string{
		"", "db", "localhost", "db.localhost", "db.shop.localhost", "127.0.0.1", "::1", "[::1]", "1.2", "1.2.3.4.",
		"db.shop.cluster.local", "db.shop.svc.example.com", "a.b.c.d", "a.b.c.d.svc", "example.com.au", "db..shop", "-a.b", "a-.b",
		"a/b.c", "a%2f.b", "db.shop.svc.svc.svc", "x.pod", ".shop", "db.", strings.Repeat("a", 64) + ".b",
	} {
		if got, ok := parseClusterName(name); ok && name != "x.pod" && name != "1.2" {
			t.Errorf("%s was taken for %+v", name, got)
		}
	}
}

// FuzzResolve reads any authority: what comes out can stand in a URL's path and
// names no more than what was asked for.
func FuzzResolve(f *testing.F) {
	for _, seed := range []string{"db.shop:5432", "db-0.pod.shop:1", "[::1]:80", "127.0.0.1:80", "a.b:0", "a.b:65536", "a.b", "a.b:80:80", "a/../b.c:80", "ÄB.c:1"} {
		f.Add(seed)
	}
	tunnels := &tunnels{}
	f.Fuzz(func(t *testing.T, authority string) {
		target, port, err := tunnels.resolve(authority, http.MethodConnect)
		if err != nil {
			return
		}
		host, _, err := net.SplitHostPort(authority)
		if err != nil || port == 0 {
			t.Fatalf("%q: port %d, %v", authority, port, err)
		}
		for _, part := range []string{target.Name, target.Namespace} {
			if len(validation.IsDNS1123Label(part)) > 0 || !strings.Contains(strings.ToLower(host), part) {
				t.Errorf("%q: %+v", authority, target)
			}
		}
		if net.ParseIP(host) != nil || strings.HasSuffix(host, "localhost") {
			t.Errorf("%q was taken for %+v", authority, target)
		}
	})
}
