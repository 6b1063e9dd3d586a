package route_test

import (
	"strings"
	"testing"

	"github.com/causeway-access/causeway/internal/route"
)

func TestLocalNames(t *testing.T) {
	for _, test := range []struct{ host, path, prints string }{
		{"web.default.localhost", "/api/v1/namespaces/default/services/web/proxy", ""},
		{"WEB.Default.LocalHost", "/api/v1/namespaces/default/services/web/proxy", "web.default.localhost"},
		{"8080--web.default.localhost", "/api/v1/namespaces/default/services/web:8080/proxy", ""},
		{"http-alt--web.default.localhost", "/api/v1/namespaces/default/services/web:http-alt/proxy", ""},
		{"https.web.default.localhost", "/api/v1/namespaces/default/services/https:web:/proxy", ""},
		{"https.8443--web.default.localhost", "/api/v1/namespaces/default/services/https:web:8443/proxy", ""},
		{"https--web.default.localhost", "/api/v1/namespaces/default/services/web:https/proxy", ""},
		{"web--default.localhost", "/api/v1/namespaces/default/services/web/proxy", "web.default.localhost"},
		{"http--web--default.localhost", "/api/v1/namespaces/default/services/web:http/proxy", "http--web.default.localhost"},
		{"https.web--default.localhost", "/api/v1/namespaces/default/services/https:web:/proxy", "https.web.default.localhost"},
		{"web-0.pod.default.localhost", "/api/v1/namespaces/default/pods/web-0/proxy", ""},
		{"9090--a.b.c.pod.default.localhost", "/api/v1/namespaces/default/pods/a.b.c:9090/proxy", ""},
		{"http.web-0.pod.default.localhost", "/api/v1/namespaces/default/pods/http:web-0:/proxy", ""},
		{"n1.node.localhost", "/api/v1/nodes/n1/proxy", ""},
		{"9100--ip-10-0-0-1.ec2.internal.node.localhost", "/api/v1/nodes/ip-10-0-0-1.ec2.internal:9100/proxy", ""},
		// Names that look like another form are printed in one that does not.
		{"web--node.localhost", "/api/v1/namespaces/node/services/web/proxy", ""},
		{"80--a--b.default.localhost", "/api/v1/namespaces/default/services/a--b:80/proxy", ""},
		{"pod.default.localhost", "/api/v1/namespaces/default/services/pod/proxy", ""},
		{"http--pod--default.localhost", "/api/v1/namespaces/default/services/pod:http/proxy", "http--pod.default.localhost"},
		{"web.pod.localhost", "/api/v1/namespaces/pod/services/web/proxy", ""},
		{"https.default.localhost", "/api/v1/namespaces/default/services/https/proxy", ""},
		{"longer-than-a-port--web.default.localhost", "/api/v1/namespaces/default/services/longer-than-a-port--web/proxy", ""},
		{"xn--web.default.localhost", "/api/v1/namespaces/default/services/xn--web/proxy", ""},
	} {
		got, ok := route.ParseLocalName(test.host)
		if !ok || got.String() != test.path || got.Check() != nil {
			t.Errorf("%s is %v %s, want %s", test.host, ok, got.String(), test.path)
		}
		if again, ok := route.Parse(test.path, ""); !ok || again.Segment != got.Segment || again.Scheme != got.Scheme || again.Name != got.Name || again.Port != got.Port {
			t.Errorf("%s is %+v, its URL is %+v", test.host, got, again)
		}
		want := test.prints
		if want == "" {
			want = test.host
		}
		if name, ok := got.LocalName(); !ok || name != want {
			t.Errorf("%s prints as %q, want %q", test.host, name, want)
		}
	}
}

func TestWhatIsNoLocalName(t *testing.T) {
	for _, host := range []string{
		"", "localhost", ".localhost", "web.localhost", "web.default", "web.default.localhost.", "web..localhost", "web.default.svc.localhost",
		"a.b.c.localhost", "node.localhost", "x.web.default.localhost", "web.default.localhost:8001", "web.default.localhost.evil.example",
		"web.default.notlocalhost", "-web.default.localhost", "web-.default.localhost", "we_b.default.localhost", "wéb.default.localhost", "web.default.lоcalhost",
		"a--b--c--d.localhost", "a----b.localhost", "a---b.localhost", "xn--b.localhost", "http.localhost", "web%2edefault.localhost",
		"70000--a--b.localhost", strings.Repeat("a", 64) + ".default.localhost", strings.Repeat("a.", 130) + "node.localhost", "user@web.default.localhost", "[web.default.localhost]",
	} {
		if got, ok := route.ParseLocalName(host); ok {
			t.Errorf("%q is %s", host, got.String())
		}
	}
}

func TestTargetsWithoutALocalName(t *testing.T) {
	for _, target := range []route.Target{
		{Resource: route.Services, Namespace: "default", Name: "a--b"}, // read as port a of b
		{Resource: route.Pods, Namespace: "default", Name: "https.web"},
		{Resource: route.Services, Namespace: "default", Name: "Web"},
		{Resource: route.Nodes, Name: ""},
		{Resource: route.Services, Namespace: "default", Name: strings.Repeat("a", 60), Port: "http"},
	} {
		if name, ok := target.LocalName(); ok {
			t.Errorf("%+v has the name %s", target, name)
		}
	}
}

// FuzzLocalName holds that a name means one target, which prints as a name that
// means it too, and that no other host is taken for one.
func FuzzLocalName(f *testing.F) {
	for _, seed := range []string{
		"web.default.localhost", "https.8443--a--b.default.localhost", "http--a--b.localhost", "x.y.pod.pod.localhost", "http.http.node.localhost",
		"80--80.node.node.localhost", "pod.pod.pod.localhost", "https.https--https.localhost", "a.-.localhost", "xn--xn--xn.localhost", "http.pod.a.localhost",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, host string) {
		first, ok := route.ParseLocalName(host)
		if !ok {
			return
		}
		if strings.Trim(strings.ToLower(host), "abcdefghijklmnopqrstuvwxyz0123456789-.") != "" || !strings.HasSuffix(strings.ToLower(host), ".localhost") {
			t.Fatalf("%q is taken for a name", host)
		}
		if err := first.Check(); err != nil {
			t.Fatalf("%q: %v", host, err)
		}
		again, ok := route.Parse(first.String(), "")
		if !ok || again.Segment != first.Segment || again.Namespace != first.Namespace || again.Resource != first.Resource ||
			again.Name != first.Name || again.Scheme != first.Scheme || again.Port != first.Port || again.Path != "" {
			t.Fatalf("%q is %+v, its URL is %+v", host, first, again)
		}
		name, ok := first.LocalName()
		if !ok {
			return // such as a form that only a scheme before it makes another
		}
		if back, ok := route.ParseLocalName(name); !ok || back.String() != first.String() {
			t.Fatalf("%q prints as %q, which is %s", host, name, back.String())
		}
	})
}
