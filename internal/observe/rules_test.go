package observe

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apiserver/pkg/audit/policy"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
)

// oddPolicy has a rule of every kind that may or may not be about targets.
const oddPolicy = `
apiVersion: audit.k8s.io/v1
kind: Policy
rules:
- {level: None, nonResourceURLs: ["/healthz*"]}
- {level: None, users: [alice], verbs: [delete]}
- {level: Request, resources: [{group: apps}]}
- {level: None, namespaces: [quiet]}
- {level: None, resources: [{group: "", resources: [secrets, pods, pods/exec]}]}
- {level: RequestResponse, resources: [{group: "", resources: [nodes/proxy]}]}
- {level: None, resources: [{group: "", resources: ["pods/*"], resourceNames: [web]}]}
- {level: Request, resources: [{group: "*", resources: ["*/proxy"]}], verbs: [create]}
- {level: Metadata, userGroups: [staff]}
`

// Whatever a target's request is, the shorter policy says what the whole does.
func TestThePolicyForProxyingIsAsGoodAsTheWhole(t *testing.T) {
	theDefault, err := os.ReadFile("../cluster/audit-policy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"the default": string(theDefault), "odd": oddPolicy} {
		whole, err := policy.LoadPolicyFromBytes([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if n := len(forProxying(whole).Rules); n >= len(whole.Rules) {
			t.Errorf("%s: %d of %d rules are left", name, n, len(whole.Rules))
		}
		a, b := policy.NewPolicyRuleEvaluator(whole), Rules(whole)
		for request := range targets() {
			if diff := cmp.Diff(a.EvaluatePolicyRule(request), b.EvaluatePolicyRule(request)); diff != "" {
				t.Errorf("%s: %+v: -whole +less:\n%s", name, request, diff)
			}
		}
	}
}

// targets yields attributes of requests to targets.
func targets() func(yield func(authorizer.AttributesRecord) bool) {
	users := []user.Info{&user.DefaultInfo{Name: "alice"}, &user.DefaultInfo{Name: "bob", Groups: []string{"staff"}}, &user.DefaultInfo{Name: "system:apiserver"}}
	return func(yield func(authorizer.AttributesRecord) bool) {
		for _, u := range users {
			for _, verb := range []string{"get", "create", "delete"} {
				for _, resource := range []string{"services", "pods", "nodes"} {
					for _, namespace := range []string{"", "quiet", "loud"} {
						for _, name := range []string{"web", "db"} {
							if !yield(authorizer.AttributesRecord{
								User: u, Verb: verb, Resource: resource, Subresource: "proxy", Namespace: namespace, Name: name,
								APIVersion: "v1", ResourceRequest: true, Path: "/healthz",
							}) {
								return
							}
						}
					}
				}
			}
		}
	}
}
