package server

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
)

// anybody takes who names himself.
var anybody = authenticator.RequestFunc(func(r *http.Request) (*authenticator.Response, bool, error) {
	name := r.Header.Get("X-Test-User")
	return &authenticator.Response{User: &user.DefaultInfo{Name: name}}, name != "", nil
})

// TestEverythingIsAskedFor goes to every path with a user who may nothing, and
// looks at what he would have needed.
func TestEverythingIsAskedFor(t *testing.T) {
	const node, uid = "n1", "5f0d"
	for _, test := range []struct{ method, path, needs string }{
		{"GET", "/healthz", "get healthz, get proxy"},
		{"GET", "/pods", "get pods, get proxy"},
		{"GET", "/pods/", "get pods, get proxy"},
		{"GET", "/runningpods/", "get pods, get proxy"},
		{"GET", "/logs/", "get log, get proxy"},
		{"HEAD", "/logs/syslog", "get log, get proxy"},
		{"GET", "/metrics", "get metrics, get proxy"},
		{"GET", "/metrics/resource", "get metrics, get proxy"},
		{"GET", "/stats/summary", "get stats, get proxy"},
		{"POST", "/stats/summary", "create stats, create proxy"},
		{"GET", "/containerLogs/default/p/c", "get proxy"},
		{"POST", "/exec/default/p/c", "create proxy"},
		{"GET", "/exec/default/p/c", "create proxy"},
		{"GET", "/exec/default/p/" + uid + "/c", "create proxy"},
		{"POST", "/attach/default/p/c", "create proxy"},
		{"GET", "/attach/default/p/" + uid + "/c", "create proxy"},
		{"POST", "/portForward/default/p", "create proxy"},
		{"GET", "/portForward/default/p/" + uid, "create proxy"},
		{"POST", "/run/default/p/c", "create proxy"},
		{"POST", "/run/default/p/" + uid + "/c", "create proxy"},
		{"GET", "/run/default/p/c", "get proxy"},
		{"PUT", "/exec/default/p/c", "update proxy"},
		{"DELETE", "/pods", "delete proxy"},
		{"GET", "/nowhere", "get proxy"},
	} {
		t.Run(test.method+" "+test.path, func(t *testing.T) {
			var asked []string
			handler := New(Config{
				Node: node, Authenticator: anybody,
				Authorizer: authorizer.AuthorizerFunc(func(_ context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
					if a.GetName() != node || a.GetResource() != "nodes" || a.GetUser().GetName() != "eve" || !a.IsResourceRequest() {
						t.Errorf("asked for %+v", a)
					}
					asked = append(asked, a.GetVerb()+" "+a.GetSubresource())
					return authorizer.DecisionNoOpinion, "", nil
				}),
			})
			r := httptest.NewRequest(test.method, test.path, nil)
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			if w.Code != http.StatusUnauthorized {
				t.Errorf("nobody is answered %d", w.Code)
			}
			r.Header.Set("X-Test-User", "eve")
			w = httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			if w.Code != http.StatusForbidden {
				t.Errorf("who may nothing is answered %d", w.Code)
			}
			if diff := cmp.Diff(test.needs, strings.Join(asked, ", ")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhoMayIsServed(t *testing.T) {
	for _, subresource := range []string{"healthz", "proxy"} {
		handler := New(Config{
			Authenticator: anybody,
			Authorizer: authorizer.AuthorizerFunc(func(_ context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
				if a.GetSubresource() == subresource {
					return authorizer.DecisionAllow, "", nil
				}
				return authorizer.DecisionNoOpinion, "", nil
			}),
			Healthy: func() error { return fmt.Errorf("the disk is full") },
		})
		r := httptest.NewRequest("GET", "/healthz", nil)
		r.Header.Set("X-Test-User", "adam")
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code != http.StatusInternalServerError || w.Body.String() != "the disk is full\n" {
			t.Errorf("by %s: %d %q", subresource, w.Code, w.Body)
		}
	}
}
