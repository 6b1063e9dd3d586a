package gateway_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"

	"github.com/causeway-access/causeway/internal/gateway"
)

// status reads the Status of an answer.
func status(t *testing.T, body string) metav1.Status {
	t.Helper()
	var s metav1.Status
	if err := json.Unmarshal([]byte(body), &s); err != nil || s.Kind != "Status" || s.APIVersion != "v1" {
		t.Fatalf("%q is no Status: %v", body, err)
	}
	return s
}

// attribute prints what was asked of the authorizer, as VERB NAMESPACE RESOURCE NAME.
func attribute(a authorizer.Attributes) string {
	return strings.Join([]string{a.GetVerb(), a.GetNamespace(), a.GetResource() + "/" + a.GetSubresource(), a.GetName()}, " ")
}

func (w *world) questions() []string {
	var out []string
	if asked := w.asked.Swap(nil); asked != nil {
		for _, a := range *asked {
			out = append(out, attribute(a))
		}
	}
	return out
}

// Section 5: by method, on the proxy subresource, by the whole decoded segment.
func TestAttributes(t *testing.T) {
	w := newWorld(t, nil)
	const segment = "https%3Aweb%3A"
	tests := []struct{ method, path, want string }{
		{"GET", web + "/", "get default services/proxy web"},
		{"HEAD", web + "/", "get default services/proxy web"},
		{"OPTIONS", web + "/", "get default services/proxy web"},
		{"POST", web + "/", "create default services/proxy web"},
		{"PUT", web + "/", "update default services/proxy web"},
		{"PATCH", web + "/", "patch default services/proxy web"},
		{"DELETE", web + "/", "delete default services/proxy web"},
		{"PROPFIND", web + "/", "create default services/proxy web"},
		{"GET", "/api/v1/namespaces/ns/services/" + segment + "/proxy/", "get ns services/proxy https:web:"},
		{"POST", "/api/v1/proxy/namespaces/ns/pods/p/", "create ns pods/proxy p"},
		{"GET", "/api/v1beta1/redirect/services/web?namespace=x", "get x services/proxy web"},
		{"GET", "/api/v1/nodes/n/proxy/metrics/cadvisor", "get  nodes/metrics n"},
		{"GET", "/api/v1/nodes/n:10250/proxy/stats/summary", "get  nodes/stats n:10250"},
		{"GET", "/api/v1/nodes/n/proxy/logs/x", "get  nodes/log n"},
		{"GET", "/api/v1/nodes/n/proxy/pods", "get  nodes/pods n"},
		{"GET", "/api/v1/nodes/n/proxy/healthz", "get  nodes/healthz n"},
		{"GET", "/api/v1/nodes/n/proxy/configz", "get  nodes/configz n"},
		{"GET", "/api/v1/nodes/n/proxy/metricsx", "get  nodes/proxy n"},
		{"GET", "/api/v1/nodes/n/proxy/metrics/..%2fexec", "create  nodes/proxy n"},
		{"GET", "/api/v1/nodes/n/proxy/metrics/..%2fx", "get  nodes/proxy n"},
		{"GET", "/api/v1/nodes/n:9100/proxy/metrics", "get  nodes/proxy n:9100"},
		{"GET", "/api/v1/nodes/n/proxy/exec/ns/p/c?command=id", "create  nodes/proxy n"},
		{"GET", "/api/v1/nodes/n/proxy/%65xec/ns/p/c", "create  nodes/proxy n"},
		{"GET", "/api/v1/nodes/n/proxy//run/ns/p/c", "create  nodes/proxy n"},
		{"GET", "/api/v1/nodes/n/proxy/attach/ns/p/c", "create  nodes/proxy n"},
		{"GET", "/api/v1/nodes/n/proxy/portForward/ns/p", "create  nodes/proxy n"},
		{"GET", "/api/v1/nodes/n/proxy/cri/exec/token", "create  nodes/proxy n"},
	}
	for _, tt := range tests {
		t.Run(tt.method+" "+tt.path, func(t *testing.T) {
			w.do(tt.method, tt.path, nil)
			if diff := cmp.Diff([]string{tt.want}, w.questions()); diff != "" {
				t.Errorf("-want +asked:\n%s", diff)
			}
		})
	}
	t.Run("a fine-grained right is one of two", func(t *testing.T) {
		w.allow = func(a authorizer.Attributes) bool { return a.GetSubresource() == "proxy" }
		defer func() { w.allow = func(authorizer.Attributes) bool { return true } }()
		if resp, body := w.do("GET", "/api/v1/nodes/n/proxy/metrics", nil); resp.StatusCode != 404 {
			t.Errorf("got %s %s, want the look-up's 404", resp.Status, body)
		}
	})
	t.Run("an upgrade needs create as well", func(t *testing.T) {
		w.questions()
		w.do("GET", "/api/v1/nodes/n/proxy/x", nil, "Connection", "Upgrade", "Upgrade", "websocket")
		want := []string{"create  nodes/proxy n", "get  nodes/proxy n"}
		if diff := cmp.Diff(want, w.questions()); diff != "" {
			t.Errorf("-want +asked:\n%s", diff)
		}
	})
}

// Section 5: the answer never tells whether the target exists.
func TestForbiddenComesBeforeTheLookUp(t *testing.T) {
	w := newWorld(t, nil, service("web")...)
	w.allow = func(authorizer.Attributes) bool { return false }
	for _, name := range []string{"web", "absent"} {
		for _, path := range []string{"", "/", "/x"} {
			resp, body := w.do("GET", "/api/v1/namespaces/default/services/https:"+name+":/proxy"+path, nil)
			got := status(t, body)
			want := `services "https:` + name + `:" is forbidden: User "alice" cannot get resource "services/proxy" in API group "" in the namespace "default"`
			if resp.StatusCode != 403 || got.Message != want || got.Reason != metav1.StatusReasonForbidden {
				t.Errorf("got %s %q (%s), want 403 %q", resp.Status, got.Message, got.Reason, want)
			}
		}
	}
	if resp, body := w.do("GET", "/api/v1/namespaces/default/services/ftp:a:b/proxy/", nil); resp.StatusCode != 403 {
		t.Errorf("a malformed segment: got %s %s, want 403", resp.Status, body)
	}
	w.allow = func(authorizer.Attributes) bool { return true }
	resp, body := w.do("GET", "/api/v1/namespaces/default/services/ftp:a:b/proxy/", nil)
	if got := status(t, body); resp.StatusCode != 400 || got.Message != `invalid service request "ftp:a:b"` {
		t.Errorf("got %s %q", resp.Status, got.Message)
	}
}

func TestUnauthorized(t *testing.T) {
	w := newWorld(t, func(c *gateway.Config) { c.Challenge = `Basic realm="kubernetes-master"` }, service("web")...)
	for _, target := range []string{web + "/", "/api/v1/namespaces/default/services/absent/proxy/"} {
		resp, body := w.do("GET", target, nil, "Authorization", "Bearer wrong")
		if got := status(t, body); resp.StatusCode != 401 || got.Message != "Unauthorized" || got.Reason != metav1.StatusReasonUnauthorized {
			t.Errorf("got %s %+v", resp.Status, got)
		}
		if got := resp.Header.Get("WWW-Authenticate"); got != `Basic realm="kubernetes-master"` {
			t.Errorf("the browser is asked by %q", got)
		}
	}
	if asked := w.questions(); asked != nil {
		t.Errorf("rights of an unknown caller were asked for: %q", asked)
	}
}

func TestStatusIsGivenAsAccepted(t *testing.T) {
	w := newWorld(t, nil)
	for accept, want := range map[string]string{
		"":                                    "application/json",
		"text/html,*/*;q=0.8":                 "application/json",
		"application/yaml":                    "application/yaml",
		"application/vnd.kubernetes.protobuf": "application/vnd.kubernetes.protobuf",
		"image/png":                           "application/json",
	} {
		resp, _ := w.do("GET", web+"/", nil, "Accept", accept)
		if got := resp.Header.Get("Content-Type"); resp.StatusCode != 404 || got != want {
			t.Errorf("Accept %q: got %s of type %q, want 404 of %q", accept, resp.Status, got, want)
		}
	}
}

func TestMethods(t *testing.T) {
	w := newWorld(t, nil, service("web")...)
	for _, target := range []string{web + "/", "/api/v1/namespaces/default/services/absent/proxy/"} {
		if resp, _ := w.do("TRACE", target, nil); resp.StatusCode != 405 {
			t.Errorf("TRACE: got %s, want 405", resp.Status)
		}
	}
}

func TestImpersonation(t *testing.T) {
	w := newWorld(t, nil)
	resp, body := w.do("GET", web+"/", nil, "Impersonate-User", "bob")
	if resp.StatusCode != 403 || w.questions() != nil {
		t.Errorf("not configured: got %s %s, want 403 and nothing asked", resp.Status, body)
	}
	w = newWorld(t, func(c *gateway.Config) {
		c.Impersonate = func(w http.ResponseWriter, r *http.Request, caller user.Info) (user.Info, bool) {
			if caller.GetName() != "alice" || r.Header.Get("Impersonate-User") == "root" {
				http.Error(w, "no", http.StatusForbidden)
				return nil, false
			}
			return &user.DefaultInfo{Name: r.Header.Get("Impersonate-User")}, true
		}
	})
	w.do("GET", web+"/", nil, "Impersonate-User", "bob")
	if asked := *w.asked.Load(); len(asked) != 1 || asked[0].GetUser().GetName() != "bob" {
		t.Errorf("the rights of %v were asked for, want bob's", asked)
	}
	if resp, _ := w.do("GET", web+"/", nil, "Impersonate-User", "root"); resp.StatusCode != 403 {
		t.Errorf("refused by Impersonate: got %s", resp.Status)
	}
}

// Section 5: an application under the API's origin must not script the API.
func TestBrowsersAmbientCredentials(t *testing.T) {
	w := newWorld(t, func(c *gateway.Config) {
		c.SessionCookie = "session"
		c.Next = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	}, service("web")...)
	const basic = "Basic YWxpY2U6eA=="
	tests := []struct {
		name    string
		headers []string
		want    int
	}{
		{"not a browser", []string{"Authorization", basic}, 418},
		{"a person", []string{"Authorization", basic, "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, 418},
		{"a script, basic", []string{"Authorization", basic, "Sec-Fetch-Mode", "cors"}, 403},
		{"a script, cookie", []string{"Authorization", "", "Cookie", "a=b; session=x", "Sec-Fetch-Mode", "same-origin"}, 403},
		{"a frame", []string{"Authorization", basic, "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe"}, 403},
		{"a script that knows a token", []string{"Authorization", "Bearer alice-token", "Sec-Fetch-Mode", "cors"}, 418},
		{"a script without credentials", []string{"Authorization", "", "Sec-Fetch-Mode", "cors"}, 418},
	}
	for _, tt := range tests {
		if resp, _ := w.do("GET", "/api/v1/secrets", nil, tt.headers...); resp.StatusCode != tt.want {
			t.Errorf("%s: got %s, want %d", tt.name, resp.Status, tt.want)
		}
	}
	person := tests[1].headers
	if resp, _ := w.do("POST", "/api/v1/secrets", nil, person...); resp.StatusCode != 403 {
		t.Errorf("a form, which a page can send: got %s, want 403", resp.Status)
	}
	// A page can open a window on the API; it must not be able to look into it.
	if resp, _ := w.do("GET", "/api/v1/secrets", nil, person...); resp.Header.Get("Content-Security-Policy") != "sandbox" || resp.Header.Get("Cross-Origin-Opener-Policy") != "same-origin" {
		t.Errorf("what a person sees is not isolated from pages: %v", resp.Header)
	}
	if resp, _ := w.do("GET", "/api/v1/secrets", nil, tests[0].headers...); resp.Header.Get("Content-Security-Policy") != "" {
		t.Error("a client that is no browser gets a policy for browsers")
	}
	if resp, _ := w.do("GET", web+"/", nil, "Sec-Fetch-Mode", "cors"); resp.StatusCode != 503 {
		t.Errorf("a proxied path: got %s, want what the target gives", resp.Status)
	}
}
