package accesstest

import (
	"net/http"
	"slices"
	"testing"

	auditinternal "k8s.io/apiserver/pkg/apis/audit"

	"github.com/causeway-access/causeway/internal/certs"
	"github.com/causeway-access/causeway/internal/gateway"
)

// browsers holds the engine to the line on ambient credentials: an application
// that is served under the API's origin must not be able to script the API.
func browsers(t *testing.T, start Engine) {
	w := newWorld(t, start, func(c *gateway.Config) {
		c.SessionCookie = "session"
		c.Next = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	})
	byCertificate := w.leaf(certs.Leaf{CommonName: "dave", Client: true})
	var rows []row
	for _, e := range []struct {
		words       string
		certificate bool
		headers     []string
		want        int
	}{
		{"not a browser", false, []string{"Authorization", basic}, 418},
		{"a person, at the address bar", false, []string{"Authorization", basic, "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, 418},
		{"an old browser, which says no more than navigate", false, []string{"Authorization", basic, "Sec-Fetch-Mode", "navigate"}, 418},
		{"a script, with a password", false, []string{"Authorization", basic, "Sec-Fetch-Mode", "cors"}, 403},
		{"an image, with a password", false, []string{"Authorization", basic, "Sec-Fetch-Mode", "no-cors"}, 403},
		{"a script, with a cookie", false, []string{"Authorization", "", "Cookie", "a=b; session=x", "Sec-Fetch-Mode", "same-origin"}, 403},
		{"a WebSocket, with a cookie", false, []string{"Authorization", "", "Cookie", "session=x", "Sec-Fetch-Mode", "websocket"}, 403},
		{"a frame, whose page the one around it can read", false, []string{"Authorization", basic, "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe"}, 403},
		{"a script, with the browser's certificate", true, []string{"Authorization", "", "Sec-Fetch-Mode", "cors"}, 403},
		{"a script that knows a token", false, []string{"Sec-Fetch-Mode", "cors"}, 418},
		{"a script without credentials", false, []string{"Authorization", "", "Sec-Fetch-Mode", "cors"}, 418},
	} {
		rows = append(rows, row{section: "5", words: "ambient credentials in a browser: " + e.words, test: func(t *testing.T, c *client) {
			if e.certificate {
				c = c.client(c.protocol, byCertificate)
			}
			c.events.take()
			if got := c.get(t, "/apis/apps/v1/namespaces/default/deployments/web", e.headers...); got.code != e.want {
				t.Errorf("got %d %q, want %d", got.code, got.body, e.want)
			}
			if e.want == http.StatusForbidden {
				user := "" // of the cookie, which nobody here knows
				switch {
				case e.certificate:
					user = "dave"
				case slices.Contains(e.headers, basic):
					user = "carol"
				}
				refusedPage(t, c.event(t), user)
			}
		}})
	}
	person := []string{"Authorization", basic, "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}
	rows = append(rows, row{section: "5", words: "ambient credentials in a browser: a form, which a page can send", test: func(t *testing.T, c *client) {
		if got := c.do(t, "POST", "/api/v1/secrets", nil, person...); got.code != 403 {
			t.Errorf("got %d %q, want 403", got.code, got.body)
		}
	}}, row{section: "5", words: "ambient credentials in a browser: no page can look into a window on the API", test: func(t *testing.T, c *client) {
		got, script := c.get(t, "/api/v1/secrets", person...), c.get(t, "/api/v1/secrets")
		if got.header.Get("Content-Security-Policy") != "sandbox" || got.header.Get("Cross-Origin-Opener-Policy") != "same-origin" || script.header.Get("Content-Security-Policy") != "" {
			t.Errorf("a person gets %v, a program %v", got.header, script.header)
		}
	}})
	w.run(t, append(rows, row{section: "5", words: "ambient credentials in a browser: a proxied path is the application's", test: func(t *testing.T, c *client) {
		if got := c.get(t, web+"/", "Authorization", basic, "Sec-Fetch-Mode", "cors"); got.code != 200 {
			t.Errorf("got %d %q", got.code, got.body)
		}
	}}))
}

// refusedPage checks the event of a page's request that was refused: it says who
// was to be made use of, and for what.
func refusedPage(t *testing.T, e *auditinternal.Event, user string) {
	t.Helper()
	want := auditinternal.ObjectReference{Resource: "deployments", Namespace: "default", Name: "web", APIGroup: "apps", APIVersion: "v1"}
	if e.ObjectRef == nil || *e.ObjectRef != want || e.Verb != "get" || e.User.Username != user || e.ResponseStatus.Code != http.StatusForbidden {
		t.Errorf("the event %+v of %+v", e, e.ObjectRef)
	}
	withoutSecrets(t, e)
}
