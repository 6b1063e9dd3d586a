package authz_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/causeway-access/causeway/internal/authz"
	"github.com/google/go-cmp/cmp"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/client-go/kubernetes/scheme"
)

func TestImpersonation(t *testing.T) {
	rbac, _, _ := start(t,
		clusterRole("admin", on(can("impersonate"), "", "users", "groups", "serviceaccounts"), on(can("impersonate"), "authentication.k8s.io", "userextras/scopes", "uids")),
		bindCluster("admin", "admin", toUser("root")),
		clusterRole("limited", named(on(can("impersonate"), "", "users"), "alice")),
		bindCluster("limited", "limited", toUser("carl")),
		// Constrained: dora may be alice, but only to read pods.
		clusterRole("constrained",
			named(on(can("impersonate:user-info"), "authentication.k8s.io", "users"), "alice"),
			on(can("impersonate-on:user-info:get"), "", "pods")),
		bindCluster("constrained", "constrained", toUser("dora")),
	)
	impersonate := authz.Impersonator(rbac, scheme.Codecs)
	pods := &request.RequestInfo{IsResourceRequest: true, Verb: "get", APIVersion: "v1", Resource: "pods", Namespace: "web", Name: "a"}
	secrets := &request.RequestInfo{IsResourceRequest: true, Verb: "get", APIVersion: "v1", Resource: "secrets", Namespace: "web", Name: "a"}
	for _, tt := range []struct {
		name   string
		by     string
		header http.Header
		info   *request.RequestInfo
		want   *user.DefaultInfo
		status int
		says   string
	}{
		{name: "not asked for", by: "carl", header: http.Header{"Accept": {"*/*"}}, want: &user.DefaultInfo{Name: "carl"}},
		{name: "a user", by: "root", header: http.Header{"Impersonate-User": {"bob"}}, want: &user.DefaultInfo{Name: "bob", Groups: []string{"system:authenticated"}}},
		{
			name: "a user with everything", by: "root",
			header: http.Header{"Impersonate-User": {"bob"}, "Impersonate-Group": {"dev", "ops"}, "Impersonate-Uid": {"7"}, "Impersonate-Extra-Scopes": {"view"}},
			want:   &user.DefaultInfo{Name: "bob", UID: "7", Groups: []string{"dev", "ops", "system:authenticated"}, Extra: map[string][]string{"scopes": {"view"}}},
		},
		{
			name: "a service account", by: "root", header: http.Header{"Impersonate-User": {"system:serviceaccount:web:default"}},
			want: &user.DefaultInfo{Name: "system:serviceaccount:web:default", Groups: []string{"system:serviceaccounts", "system:serviceaccounts:web", "system:authenticated"}},
		},
		{name: "the one that is allowed", by: "carl", header: http.Header{"Impersonate-User": {"alice"}}, want: &user.DefaultInfo{Name: "alice", Groups: []string{"system:authenticated"}}},
		{name: "the one that is allowed, judged in full", by: "carl", info: secrets, header: http.Header{"Impersonate-User": {"alice"}}, want: &user.DefaultInfo{Name: "alice", Groups: []string{"system:authenticated"}}},
		{name: "for what is allowed", by: "dora", info: pods, header: http.Header{"Impersonate-User": {"alice"}}, want: &user.DefaultInfo{Name: "alice", Groups: []string{"system:authenticated"}}},

		{name: "for another thing", by: "dora", info: secrets, header: http.Header{"Impersonate-User": {"alice"}}, status: 403, says: "dora"},
		{name: "for what nobody said", by: "dora", header: http.Header{"Impersonate-User": {"alice"}}, status: 403, says: "dora"},
		{name: "another user", by: "carl", header: http.Header{"Impersonate-User": {"bob"}}, status: 403, says: `users \"bob\" is forbidden: User \"carl\" cannot impersonate resource \"users\" in API group \"\" at the cluster scope`},
		{name: "a group besides", by: "carl", header: http.Header{"Impersonate-User": {"alice"}, "Impersonate-Group": {"system:masters"}}, status: 403, says: "system:masters"},
		{name: "another extra", by: "root", header: http.Header{"Impersonate-User": {"bob"}, "Impersonate-Extra-Other": {"x"}}, status: 403, says: "userextras/other"},
		{name: "a group without a user", by: "root", header: http.Header{"Impersonate-Group": {"dev"}}, status: 400, says: "without impersonating a user"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/api/v1/namespaces/web/pods/a", nil)
			r.Header = tt.header
			if tt.info != nil {
				r = r.WithContext(request.WithRequestInfo(r.Context(), tt.info))
			}
			w := httptest.NewRecorder()
			as, ok := impersonate(w, r, who(tt.by))
			if ok != (tt.want != nil) {
				t.Fatalf("ok = %v, answered %d %s", ok, w.Code, w.Body)
			}
			if !ok {
				if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.says) {
					t.Errorf("answered %d %s, want %d with %s", w.Code, w.Body, tt.status, tt.says)
				}
				return
			}
			if diff := cmp.Diff(tt.want, as, cmp.Transformer("empty", func(m map[string][]string) map[string][]string {
				if len(m) == 0 {
					return nil
				}
				return m
			})); diff != "" {
				t.Error(diff)
			}
			for name := range r.Header {
				if strings.HasPrefix(name, "Impersonate-") {
					t.Errorf("header %s is still there", name)
				}
			}
		})
	}
}
