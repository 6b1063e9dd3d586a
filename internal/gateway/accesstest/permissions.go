package accesstest

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apiserver/pkg/authorization/authorizer"

	"github.com/causeway-access/causeway/internal/certs"
)

// asks is what the authorizer was asked, as USER VERB NAMESPACE RESOURCE NAME.
func (w *world) asks() []string {
	var out []string
	for _, a := range w.asked.take() {
		out = append(out, strings.Join([]string{a.GetUser().GetName(), a.GetVerb(), a.GetNamespace(), a.GetResource() + "/" + a.GetSubresource(), a.GetName()}, " "))
		if a.GetAPIGroup() != "" || a.GetAPIVersion() != "v1" || !a.IsResourceRequest() {
			out = append(out, fmt.Sprint("of another API: ", a.(authorizer.AttributesRecord)))
		}
	}
	return out
}

// permissions holds the engine to section 5, but for the audit.
func permissions(t *testing.T, start Engine) {
	w := newWorld(t, start, nil, node("n", 0), node("far", 10350))
	w.run(t, attributeRows())
	w.run(t, nodeRows())
	w.run(t, []row{
		{section: "5", words: "authorise before anything is looked up", test: beforeLookUp},
		{section: "5", words: "401 before anything is asked", test: unknown},
		{section: "5", words: "each way to authenticate", test: identities},
		{section: "5", words: "errors as accepted: JSON, YAML, protobuf", test: accepted},
		{section: "5", words: "impersonation is refused unless it is configured", test: func(t *testing.T, c *client) {
			c.asks()
			got := c.get(t, web+"/", "Impersonate-User", "root")
			if asked := c.asks(); got.code != 403 || asked != nil {
				t.Errorf("got %d %q, and asked %q", got.code, got.body, asked)
			}
		}},
	})
	t.Run("browsers", func(t *testing.T) { browsers(t, start) })
}

// attributeRows are the lines on verbs and names.
func attributeRows() []row {
	var rows []row
	for _, e := range [][3]string{
		{"GET", web + "/", "alice get default services/proxy web"},
		{"HEAD", web + "/", "alice get default services/proxy web"},
		{"OPTIONS", web + "/", "alice get default services/proxy web"},
		{"POST", web + "/", "alice create default services/proxy web"},
		{"PUT", web + "/", "alice update default services/proxy web"},
		{"PATCH", web + "/", "alice patch default services/proxy web"},
		{"DELETE", web + "/", "alice delete default services/proxy web"},
		{"PROPFIND", web + "/", "alice create default services/proxy web"},
		{"GET", "/api/v1/namespaces/ns/services/https%3Aweb%3A/proxy/", "alice get ns services/proxy https:web:"},
		{"GET", "/api/v1/namespaces/n%73/services/w%65b/proxy/", "alice get ns services/proxy web"},
		{"DELETE", "/api/v1/proxy/namespaces/ns/pods/p:x/", "alice delete ns pods/proxy p:x"},
		{"POST", "/api/v1beta3/proxy/namespaces/ns/services/web/", "alice create ns services/proxy web"},
		{"PUT", "/api/v1beta1/proxy/services/web/?namespace=x", "alice update x services/proxy web"},
		{"PUT", "/api/v1beta1/proxy/services/web/?a&namespace=x&namespace=y", "alice update x services/proxy web"},
		{"GET", "/api/v1beta1/redirect/services/web?namespace=x", "alice get x services/proxy web"},
		{"HEAD", "/api/v1/redirect/nodes/m", "alice get  nodes/proxy m"},
	} {
		rows = append(rows, row{section: "5", words: "verb by method, the whole decoded segment: " + e[0] + " " + e[1], test: func(t *testing.T, c *client) {
			c.asks()
			c.do(t, e[0], e[1], nil)
			if diff := cmp.Diff([]string{e[2]}, c.asks()); diff != "" {
				t.Errorf("-want +asked:\n%s", diff)
			}
		}})
	}
	return rows
}

// nodeRows are the lines on the kubelet's paths: what is asked first.
func nodeRows() []row {
	var rows []row
	for _, e := range [][2]string{
		{"GET n/proxy/metrics", "get  nodes/metrics n"}, {"GET n/proxy/metrics/cadvisor", "get  nodes/metrics n"}, {"GET n:10250/proxy/metrics", "get  nodes/metrics n:10250"},
		{"GET n/proxy/logs/", "get  nodes/log n"}, {"GET n/proxy/stats/summary", "get  nodes/stats n"}, {"GET n/proxy/pods", "get  nodes/pods n"},
		{"GET n/proxy/healthz", "get  nodes/healthz n"}, {"GET n/proxy/configz", "get  nodes/configz n"},
		{"POST n/proxy/metrics", "create  nodes/metrics n"},
		{"GET far/proxy/metrics", "get  nodes/metrics far"}, {"GET far:10350/proxy/metrics", "get  nodes/metrics far:10350"}, {"GET far:10250/proxy/metrics", "get  nodes/proxy far:10250"},
		{"GET absent:10250/proxy/metrics", "get  nodes/metrics absent:10250"}, {"GET absent:10350/proxy/metrics", "get  nodes/proxy absent:10350"},
		{"GET n/proxy/", "get  nodes/proxy n"}, {"GET n/proxy/metricsx", "get  nodes/proxy n"}, {"GET n:9100/proxy/metrics", "get  nodes/proxy n:9100"},
		{"GET n/proxy/metrics/..%2Fpods", "get  nodes/proxy n"}, {"GET n/proxy/metrics/..%2Fexec/a/b/c", "create  nodes/proxy n"},
		{"GET n/proxy/metrics//../../exec/a/b/c", "create  nodes/proxy n"}, {"GET n/proxy/metrics/%2e%2e/run/a/b/c", "create  nodes/proxy n"},
		{"GET n/proxy/exec/ns/p/c?command=id", "create  nodes/proxy n"}, {"GET n/proxy/%65xec/ns/p/c", "create  nodes/proxy n"}, {"GET n/proxy//run/ns/p/c", "create  nodes/proxy n"},
		{"GET n/proxy/attach/ns/p/c", "create  nodes/proxy n"}, {"GET n/proxy/portForward/ns/p", "create  nodes/proxy n"}, {"GET n/proxy/cri/exec/token", "create  nodes/proxy n"},
	} {
		method, path, _ := strings.Cut(e[0], " ")
		rows = append(rows, row{section: "5", words: "node kubelet paths: " + e[0], test: func(t *testing.T, c *client) {
			c.asks()
			c.do(t, method, "/api/v1/nodes/"+path, nil)
			if diff := cmp.Diff([]string{"alice " + e[1]}, c.asks()); diff != "" {
				t.Errorf("-want +asked:\n%s", diff)
			}
		}})
	}
	either := func(words, token, path string, want int) row {
		return row{section: "5", words: words, test: func(t *testing.T, c *client) {
			if got := c.get(t, "/api/v1/nodes/n/proxy"+path, "Authorization", "Bearer "+token); got.code != want {
				t.Errorf("got %d %q, want %d", got.code, got.body, want)
			}
		}}
	}
	return append(rows,
		either("the fine-grained right is enough", "meter-token", "/metrics", 503), // the node has no address
		either("or nodes/proxy is", "reader-token", "/metrics", 503),
		either("the right to metrics is not one to pods", "meter-token", "/pods", 403),
		either("exec needs create, though it is a GET", "reader-token", "/exec/ns/p/c", 403),
		row{section: "4", words: "upgrades to a node's kubelet port need create as well", only: http1, test: func(t *testing.T, c *client) {
			c.asks()
			c.get(t, "/api/v1/nodes/n/proxy/x", "Connection", "Upgrade", "Upgrade", "websocket")
			if diff := cmp.Diff([]string{"alice create  nodes/proxy n", "alice get  nodes/proxy n"}, c.asks()); diff != "" {
				t.Errorf("-want +asked:\n%s", diff)
			}
			if got := c.get(t, "/api/v1/nodes/n/proxy/x", "Connection", "x, uPgrade", "Upgrade", "h2c", "Authorization", "Bearer reader-token"); got.code != 403 {
				t.Errorf("got %d %q, want 403", got.code, got.body)
			}
		}},
	)
}

// beforeLookUp: the answer never tells whether the target exists.
func beforeLookUp(t *testing.T, c *client) {
	c.script.heads.take()
	for _, name := range []string{"web", "absent"} {
		for _, rest := range []string{"", "/", "/x?y"} {
			want := fmt.Sprintf("services %q is forbidden: User \"bob\" cannot get resource \"services/proxy\" in API group \"\" in the namespace \"default\"", "https:"+name+":")
			c.get(t, proxied("services", "https:"+name+":")+rest, "Authorization", "Bearer bob-token").status(t, 403, want)
		}
	}
	want := `services "ftp:a:b" is forbidden: User "bob" cannot get resource "services/proxy" in API group "" in the namespace "default"`
	c.get(t, proxied("services", "ftp:a:b")+"/", "Authorization", "Bearer bob-token").status(t, 403, want)
	want = `nodes "n" is forbidden: User "bob" cannot get resource "nodes/proxy" in API group "" at the cluster scope`
	c.get(t, "/api/v1/nodes/n/proxy/", "Authorization", "Bearer bob-token").status(t, 403, want)
	if heads := c.script.heads.take(); len(heads) > 0 {
		t.Errorf("the backend got %q", heads)
	}
}

func unknown(t *testing.T, c *client) {
	for _, credential := range []string{"", "Bearer nobody", "Basic !", "Basic " + base64.StdEncoding.EncodeToString([]byte("carol:wrong")), "Digest x"} {
		for _, target := range []string{web + "/", proxied("services", "absent") + "/", proxied("services", "a:b:c:d")} {
			c.asks()
			got := c.get(t, target, "Authorization", credential)
			got.status(t, 401, "Unauthorized")
			if challenge := got.header.Get("WWW-Authenticate"); challenge != `Basic realm="kubernetes-master"` {
				t.Errorf("the browser is asked by %q", challenge)
			}
			if asked := c.asks(); asked != nil {
				t.Errorf("rights of an unknown caller were asked for: %q", asked)
			}
		}
	}
}

func identities(t *testing.T, c *client) {
	expect := func(c *client, want string, headers ...string) {
		t.Helper()
		c.asks()
		c.get(t, web+"/", headers...)
		if asked := c.asks(); len(asked) != 1 || !strings.HasPrefix(asked[0], want+" ") {
			t.Errorf("%q: asked for %q, want %s", headers, asked, want)
		}
	}
	expect(c, "alice")
	expect(c, "carol", "Authorization", basic)
	expect(c, "alice", "Authorization", "", "Proxy-Authorization", "Bearer alice-token")
	expect(c.client(c.protocol, c.leaf(certs.Leaf{CommonName: "dave", Client: true})), "dave", "Authorization", "")
}

func accepted(t *testing.T, c *client) {
	for accept, want := range map[string]string{
		"": "application/json", "text/html,*/*;q=0.8": "application/json", "application/yaml": "application/yaml",
		"application/vnd.kubernetes.protobuf": "application/vnd.kubernetes.protobuf", "image/png": "application/json",
	} {
		got := c.get(t, proxied("services", "absent")+"/", "Accept", accept)
		if kind := got.header.Get("Content-Type"); got.code != 404 || kind != want {
			t.Errorf("Accept %q: got %d of type %q, want 404 of %q", accept, got.code, kind, want)
		}
	}
}
