package gateway_test

import (
	"encoding/json"
	"net/http"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/authentication/user"

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

func TestImpersonation(t *testing.T) {
	w := newWorld(t, nil)
	resp, body := w.do("GET", web+"/", nil, "Impersonate-User", "bob")
	if resp.StatusCode != 403 || w.asked.Load() != nil {
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
