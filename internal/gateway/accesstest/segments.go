package accesstest

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// refused is a row whose answer is a Status.
func refused(section, words, target string, code int, message string) row {
	return row{section: section, words: words, test: func(t *testing.T, c *client) {
		c.get(t, target).status(t, code, message)
	}}
}

// status fails unless the answer is a Status with this code and message.
func (a *answer) status(t *testing.T, code int, message string) {
	t.Helper()
	var s metav1.Status
	if err := json.Unmarshal([]byte(a.body), &s); err != nil {
		t.Errorf("got %d %q, want a Status: %v", a.code, a.body, err)
		return
	}
	if a.code != code || s.Kind != "Status" || s.APIVersion != "v1" || s.Status != metav1.StatusFailure || int(s.Code) != code || s.Message != message {
		t.Errorf("got %d %q, want %d %q", a.code, s.Message, code, message)
	}
}

// leads is a row whose answer comes from the script, or from a server with
// TLS if spoken is "https", or HTTP/2 if it is "h2c".
func leads(words, target, spoken string) row {
	return row{section: "1", words: words, test: func(t *testing.T, c *client) {
		got := c.get(t, target+"/x")
		proto := map[string]string{"http": "", "https": "HTTP/1.1", "h2c": "HTTP/2.0"}[spoken]
		if got.code != http.StatusOK || got.header.Get("Spoke") != proto {
			t.Errorf("got %d %q spoken in %q, want %s", got.code, got.body, got.header.Get("Spoke"), spoken)
		}
	}}
}

// segments holds the engine to the name segment and its ports.
func segments(t *testing.T, start Engine) {
	s, secure, h2c := newScript(t), newSecure(t, nil), newH2C(t, dump)
	plain, https := portOf(s.addr), portOf(secure)
	objects := []runtime.Object{
		pod("p", "127.0.0.1", containerPort("http", s.addr), containerPort("tls", secure)),
		pod("new", ""), node("n", 0, inner),
		&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "done"}, Status: corev1.PodStatus{PodIP: "127.0.0.1", Phase: corev1.PodSucceeded}},
	}
	one := func(name string, change func(*corev1.Service)) {
		objects = append(objects, changed(change, name, s.addr)...)
	}
	one("headless", func(s *corev1.Service) { s.Spec.ClusterIP = corev1.ClusterIPNone })
	one("selectorless", func(s *corev1.Service) { s.Spec.Selector = nil })
	one("out", func(s *corev1.Service) {
		s.Spec.Type, s.Spec.ExternalName = corev1.ServiceTypeExternalName, "127.0.0.1"
	})
	objects = append(objects, service("default", "empty")...)
	objects = append(objects, several("many", map[string]offer{"http": {80, "", s.addr}, "tls": {443, "https", secure}, "ws": {444, "kubernetes.io/wss", secure}, "grpc": {50051, "kubernetes.io/h2c", h2c}})...)
	objects = append(objects, several("https", map[string]offer{"a": {1, "", s.addr}, "b": {2, "", secure}})...)
	objects = append(objects, several("unnamed", map[string]offer{"": {1, "", s.addr}, "b": {2, "", secure}})...)
	w := newWorld(t, start, nil, objects...)
	w.run(t, segmentRows(plain, https))
	w.run(t, portRows())
	w.run(t, kindRows(plain, https))
}

// offer is a port of a service: number, appProtocol, and what answers.
type offer struct {
	number      int32
	appProtocol string
	backend     netip.AddrPort
}

// several returns a service with several ports and a slice for each.
func several(name string, ports map[string]offer) []runtime.Object {
	s := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}}
	out := []runtime.Object{s}
	for _, n := range slices.Sorted(maps.Keys(ports)) {
		p := ports[n]
		port := corev1.ServicePort{Name: n, Port: p.number}
		if p.appProtocol != "" {
			port.AppProtocol = &p.appProtocol
		}
		s.Spec.Ports = append(s.Spec.Ports, port)
		out = append(out, slice(s, n, 0, p.backend, discoveryv1.EndpointConditions{}))
	}
	return out
}

func segmentRows(plain, https string) []row {
	invalid := func(resource, kind, segment, decoded string) row {
		return refused("1", "anything else -> 400 ("+segment+")", proxied(resource, segment)+"/", 400, "invalid "+kind+" request "+strconv.Quote(decoded))
	}
	return []row{
		leads("name", proxied("services", "web"), "http"),
		leads("name:port", proxied("services", "many:http"), "http"),
		leads("name:", proxied("services", "web:"), "http"),
		leads("scheme:name:", proxied("pods", "http:p:"), "http"),
		leads("scheme:name:port", proxied("pods", "https:p:"+https), "https"),
		leads(":name:port", proxied("services", ":many:http"), "http"),
		leads("https:a is service https, port a", proxied("services", "https:a"), "http"),
		leads("the decoded segment is split", proxied("services", "many%3Ahttp"), "http"),
		invalid("services", "service", "ftp:a:b", "ftp:a:b"), invalid("services", "service", "HTTPS:a:b", "HTTPS:a:b"),
		invalid("services", "service", "a:b:c:d", "a:b:c:d"), invalid("services", "service", "h2c:a:b", "h2c:a:b"),
		invalid("pods", "pod", "ftp:a:b", "ftp:a:b"), invalid("nodes", "node", "a:b:c:d", "a:b:c:d"),
		invalid("services", "service", "a%2Fb", "a/b"), invalid("services", "service", ":a", ":a"),
		leads("a port of a pod of another scheme", proxied("pods", "https:p:tls"), "https"),
		leads("a plain port", proxied("pods", "p:"+plain), "http"),
	}
}

func portRows() []row {
	svc := func(segment string) string { return proxied("services", segment) }
	const none = `no endpoints available for service `
	return []row{
		leads("no port: the unnamed one", svc("unnamed"), "http"),
		leads("better: no port: the only one, whatever its name", svc("web"), "http"),
		refused("1", "better: several and none unnamed -> 503 with the names to choose from", svc("https")+"/", 503, none+`"https": it has several ports; choose one of: a, b`),
		leads("integer: a service port number", svc("many:80"), "http"),
		refused("1", "none such -> 503", svc("many:81")+"/", 503, `no service port 81 found for service "many"`),
		leads("else a port name", svc("many:http"), "http"),
		leads("appProtocol https", svc("many:tls"), "https"),
		leads("appProtocol kubernetes.io/wss", svc("many:ws"), "https"),
		leads("appProtocol kubernetes.io/h2c", svc("many:grpc"), "h2c"),
		leads("an explicit scheme wins", svc("https:https:b"), "https"),
		{section: "1", words: "an explicit scheme wins over appProtocol", test: func(t *testing.T, c *client) {
			if got := c.get(t, svc("http:many:tls")+"/"); got.code != 400 || got.body != "Client sent an HTTP request to an HTTPS server.\n" {
				t.Errorf("got %d %q, want the TLS server's complaint of plain HTTP", got.code, got.body)
			}
		}},
		refused("1", "service absent -> 404", svc("absent")+"/", 404, `services "absent" not found`),
		refused("1", "service absent -> 404, with scheme and port", svc("https:absent:x")+"/", 404, `services "absent" not found`),
		refused("1", "no ready endpoint -> 503", svc("empty")+"/", 503, none+`"empty"`),
		leads("headless services work", svc("headless"), "http"),
		leads("selector-less services work", svc("selectorless"), "http"),
		refused("1", "ExternalName -> 503 naming the reason (never dialled)", svc("out")+"/", 503, none+`"out": it is of type ExternalName (127.0.0.1), which is never dialled`),
	}
}

// kindRows are those of pods and nodes.
func kindRows(plain, https string) []row {
	pods := func(segment string) string { return proxied("pods", segment) }
	nodes := func(segment string) string { return proxied("nodes", segment) }
	const what = `: it is neither a number from 1 to 65535 nor the name of a port`
	return []row{
		leads("pod: the first containerPort of the first container that declares one", pods("p"), "http"),
		leads("pod: a number", pods("p:"+plain), "http"),
		leads("better: pod: a container port's name", pods("p:http"), "http"),
		refused("1", "pod: a number out of range", pods("p:65536")+"/", 400, `no port "65536" on pod "p"`+what),
		refused("1", "pod: a name that is none", pods("p:x")+"/", 400, `no port "x" on pod "p"`+what),
		refused("1", "pod absent -> 404", pods("absent")+"/", 404, `pods "absent" not found`),
		refused("1", "pod: no IP yet -> 503", pods("new")+"/", 503, `pod "new" has no address yet`),
		refused("1", "pod: finished -> 503", pods("done")+"/", 503, `pod "done" has finished`),
		leads("node: any other port: the requested scheme", nodes("n:"+plain), "http"),
		leads("node: any other port: the requested scheme, https", nodes("https:n:"+https), "https"),
		{section: "1", words: "node: any other port: no client certificate", test: func(t *testing.T, c *client) {
			if got := c.get(t, nodes("https:n:"+https)+"/").header.Get("Peer"); got != "none" {
				t.Errorf("the gateway showed itself as %q", got)
			}
		}},
		refused("1", "node absent -> 404", nodes("absent")+"/", 404, `nodes "absent" not found`),
	}
}
