package accesstest

import (
	"net/http"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
)

// form is one URL form of section 1: where it leads, and what the backend is
// told of it.
type form struct {
	url, want string
	prefix    string
}

// forms are the lines of the table, for all objects of this world.
var forms = []form{
	{"/api/v1/namespaces/default/services/web/proxy/a", "GET /a", web},
	{"/api/v1/namespaces/default/pods/p/proxy/a", "GET /a", "/api/v1/namespaces/default/pods/p/proxy"},
	{"/api/v1/nodes/n:PORT/proxy/a", "GET /a", "/api/v1/nodes/n:PORT/proxy"},
	{"/api/v1/proxy/namespaces/default/services/web/a", "GET /a", "/api/v1/proxy/namespaces/default/services/web"},
	{"/api/v1/proxy/namespaces/default/pods/p/a", "GET /a", "/api/v1/proxy/namespaces/default/pods/p"},
	{"/api/v1/proxy/nodes/n:PORT/a", "GET /a", "/api/v1/proxy/nodes/n:PORT"},
	{"/api/v1beta3/proxy/namespaces/default/services/web/a", "GET /a", "/api/v1beta3/proxy/namespaces/default/services/web"},
	{"/api/v1beta3/proxy/namespaces/default/pods/p/a", "GET /a", "/api/v1beta3/proxy/namespaces/default/pods/p"},
	{"/api/v1beta3/proxy/nodes/n:PORT/a", "GET /a", "/api/v1beta3/proxy/nodes/n:PORT"},
	{"/api/v1beta1/proxy/services/web/a", "GET /a", "/api/v1beta1/proxy/services/web"},
	{"/api/v1beta1/proxy/pods/p/a", "GET /a", "/api/v1beta1/proxy/pods/p"},
	{"/api/v1beta1/proxy/minions/n:PORT/a", "GET /a", "/api/v1beta1/proxy/minions/n:PORT"},
	{"/api/v1beta1/proxy/nodes/n:PORT/a", "GET /a", "/api/v1beta1/proxy/nodes/n:PORT"},
	{"/api/v1beta2/proxy/services/web/a", "GET /a", "/api/v1beta2/proxy/services/web"},
	{"/api/v1beta2/proxy/minions/n:PORT/a", "GET /a", "/api/v1beta2/proxy/minions/n:PORT"},
	{"/api/v1beta1/proxy/ns/default/services/web/a", "GET /a", "/api/v1beta1/proxy/ns/default/services/web"},
	{"/api/v1beta1/proxy/ns/default/pods/p/a", "GET /a", "/api/v1beta1/proxy/ns/default/pods/p"},
	{"/api/v1beta1/proxy/services/other/a?namespace=elsewhere&b", "GET /a?namespace=elsewhere&b", "/api/v1beta1/proxy/services/other"},
	{"/api/v1beta2/proxy/services/other/a?b=c&namespace=elsewhere", "GET /a?b=c&namespace=elsewhere", "/api/v1beta2/proxy/services/other"},
}

// targets holds the engine to the table of URL forms and the lines below it.
func targets(t *testing.T, start Engine) {
	s := newScript(t)
	port := portOf(s.addr)
	objects := append(service("elsewhere", "other", s.addr), pod("p", "127.0.0.1", containerPort("http", s.addr)), node("n", 0, inner))
	w := newWorld(t, start, nil, objects...)
	var rows []row
	for _, f := range forms {
		url, prefix := strings.Replace(f.url, "PORT", port, 1), strings.Replace(f.prefix, "PORT", port, 1)
		rows = append(rows, row{section: "1", words: "form " + f.url, test: func(t *testing.T, c *client) {
			got := c.get(t, url).echoed(t)
			if got.line != f.want || got.value("X-Forwarded-Prefix") != prefix {
				t.Errorf("the backend got %q below %q, want %q below %q", got.line, got.value("X-Forwarded-Prefix"), f.want, prefix)
			}
		}})
	}
	w.run(t, append(rows,
		row{section: "1", words: "better: every token method", test: anyMethod},
		row{section: "1", words: "CONNECT and TRACE -> 405", test: refusedMethods},
		row{section: "1", words: "what is no target goes on", test: noTargets},
	))
}

func anyMethod(t *testing.T, c *client) {
	for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "MKCOL", "REPORT", "QUERY", "M-SEARCH", "!x"} {
		if got := c.do(t, method, web+"/dav", nil).echoed(t); got.line != method+" /dav" {
			t.Errorf("the backend got %q, want %s", got.line, method)
		}
	}
	if got := c.do(t, "HEAD", web+"/dav", nil); got.code != 200 || got.body != "" {
		t.Errorf("HEAD: got %d %q", got.code, got.body)
	}
}

func refusedMethods(t *testing.T, c *client) {
	c.script.heads.take()
	for _, target := range []string{web + "/", proxied("services", "absent") + "/"} {
		if got := c.do(t, "TRACE", target, nil); got.code != http.StatusMethodNotAllowed {
			t.Errorf("TRACE %s: got %d, want 405", target, got.code)
		}
	}
	if c.protocol == http1 { // in HTTP/2 a CONNECT has no path, unless it is an upgrade
		if got := codes(c.send(t, last("CONNECT", web+"/"))); len(got) != 1 || got[0] != 405 && got[0] != 400 {
			t.Errorf("CONNECT: got %v, want 405", got)
		}
	}
	if heads := c.script.heads.take(); len(heads) > 0 {
		t.Errorf("the backend got %q", heads)
	}
}

func noTargets(t *testing.T, c *client) {
	c.script.heads.take()
	for _, target := range []string{
		"/", "/api", "/api/v1/namespaces/default/services/web", "/api/v1/namespaces/default/services/web/proxyx", "/api/v1beta3/namespaces/default/services/web/proxy",
		"//api/v1/namespaces/default/services/web/proxy/", "/api/v1/namespaces/default/../default/services/web/proxy/", "/api/v1/namespaces/default/services/%2e%2e/proxy/",
	} {
		if c.protocol == http2 && strings.HasPrefix(target, "//") {
			continue // the client's library would take it for a host
		}
		if got := c.get(t, target); got.code != http.StatusNotFound {
			t.Errorf("%s: got %d %q, want the 404 of what comes behind", target, got.code, got.body)
		}
	}
	if heads := c.script.heads.take(); len(heads) > 0 {
		t.Errorf("the backend got %q", heads)
	}
}

// documents holds the engine to the URLs that the documents of 2015 to 2023
// show, each below the host that they show.
func documents(t *testing.T, start Engine) {
	s := newScript(t)
	tls := newSecure(t, nil)
	var objects []runtime.Object
	objects = append(objects, service("default", "elasticsearch-logging", s.addr)...)
	objects = append(objects, service("default", "kibana-logging", s.addr)...)
	objects = append(objects, service("default", "myservice", s.addr)...)
	objects = append(objects, service("kube-system", "kibana-logging", s.addr)...)
	objects = append(objects, service("kube-system", "elasticsearch-logging", s.addr)...)
	objects = append(objects, service("secure", "elasticsearch-logging", tls)...)
	w := newWorld(t, start, nil, objects...)
	var rows []row
	for _, e := range [][3]string{
		{"2015", "/api/v1beta1/proxy/services/myservice/alpha/beta/gamma/", "GET /alpha/beta/gamma/"},
		{"2015", "/api/v1beta1/proxy/services/elasticsearch-logging/", "GET /"},
		{"2015", "/api/v1beta1/proxy/services/elasticsearch-logging/_cluster/health?pretty=true", "GET /_cluster/health?pretty=true"},
		{"2015", "/api/v1beta1/proxy/services/kibana-logging/", "GET /"},
		{"2016", "/api/v1/proxy/namespaces/kube-system/services/elasticsearch-logging/", "GET /"},
		{"2016", "/api/v1/proxy/namespaces/kube-system/services/kibana-logging/_search?q=user:kimchy", "GET /_search?q=user:kimchy"},
		{"2018", "/api/v1/namespaces/kube-system/services/elasticsearch-logging/proxy/_search?q=user:kimchy", "GET /_search?q=user:kimchy"},
		{"2018", "/api/v1/namespaces/kube-system/services/elasticsearch-logging/proxy/_cluster/health?pretty=true", "GET /_cluster/health?pretty=true"},
		{"2023", "/api/v1/namespaces/secure/services/https:elasticsearch-logging:/proxy/_cluster/health?pretty=true", "GET /_cluster/health?pretty=true"},
	} {
		rows = append(rows, row{section: e[0], words: e[1], test: func(t *testing.T, c *client) {
			if got := c.get(t, e[1], "Host", "198.51.100.247").echoed(t); got.line != e[2] || got.value("X-Forwarded-Host") != "198.51.100.247" {
				t.Errorf("the backend got %q for %q, want %q", got.line, got.value("X-Forwarded-Host"), e[2])
			}
		}})
	}
	w.run(t, append(rows, row{section: "2015", words: "/api/v1beta1/redirect/services/elasticsearch-logging/", test: func(t *testing.T, c *client) {
		got := c.get(t, "/api/v1beta1/redirect/services/elasticsearch-logging/", "Authorization", basic)
		if got.code != http.StatusTemporaryRedirect || got.location() != "http://"+s.addr.String() || got.body != "" {
			t.Errorf("got %d to %q with %q", got.code, got.location(), got.body)
		}
	}}))
}

// basic is carol's password.
const basic = "Basic Y2Fyb2w6c2VjcmV0"
