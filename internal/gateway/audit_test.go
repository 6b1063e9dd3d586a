package gateway_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	auditinternal "k8s.io/apiserver/pkg/apis/audit"

	"github.com/causeway-access/causeway/internal/gateway"
	"github.com/causeway-access/causeway/internal/observe"
)

// account is what an audit event says of a request that was refused.
type account struct {
	Level, RequestURI, Verb string
	User                    struct{ Username string }
	SourceIPs               []string
	ObjectRef               struct{ Resource, Namespace, Name, Subresource string }
	ResponseStatus          struct{ Code int }
}

// Those who are refused before anybody knows who they are, or because they
// have too much under way, are audited by the policy's rules like all others.
func TestTheRefusedAreAudited(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	slow := backend(t, func(http.ResponseWriter, *http.Request) { entered <- struct{}{}; <-leave })
	var file bytes.Buffer
	events := observe.NewAuditLog(&file, nil)
	w := newWorld(t, func(c *gateway.Config) {
		c.Limits = gateway.Limits{InFlightPerUser: 1}
		c.Audit, c.Policy = events, observe.Rules(&auditinternal.Policy{Rules: []auditinternal.PolicyRule{
			{Level: auditinternal.LevelNone, Users: []string{"quiet"}},
			{Level: auditinternal.LevelNone, Verbs: []string{"delete"}},
			{Level: auditinternal.LevelMetadata},
		}})
	}, service("web", slow)...)

	for _, user := range []string{"alice", "quiet"} {
		first := make(chan struct{})
		go func() {
			defer close(first)
			w.do("DELETE", web+"/slow", nil, "Authorization", "Bearer "+user+"-token")
		}()
		<-entered
		if resp, _ := w.do("POST", web+"/again", nil, "Authorization", "Bearer "+user+"-token"); resp.StatusCode != 429 {
			t.Errorf("the second request of %s: %s, want 429", user, resp.Status)
		}
		leave <- struct{}{}
		<-first
	}
	w.do("GET", web+"/x?token=secret", nil, "Authorization", "")
	w.do("DELETE", web+"/x", nil, "Authorization", "Bearer of nobody")
	w.Server.Close() // the requests are over, their accounts given
	events.Close()

	want := []account{
		{Level: "Metadata", Verb: "create", RequestURI: web + "/again", SourceIPs: []string{"127.0.0.1"}},
		{Level: "Metadata", Verb: "get", RequestURI: web + "/x?token=...", SourceIPs: []string{"127.0.0.1"}},
	}
	want[0].User.Username, want[0].ResponseStatus.Code, want[1].ResponseStatus.Code = "alice", 429, 401
	var got []account
	for line := range strings.Lines(file.String()) {
		var a account
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		got = append(got, a)
	}
	for i := range want {
		o := &want[i].ObjectRef
		o.Resource, o.Namespace, o.Name, o.Subresource = "services", "default", "web", "proxy"
	}
	// Events of the same moment may change places.
	slices.SortFunc(got, func(a, b account) int { return b.ResponseStatus.Code - a.ResponseStatus.Code })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
