package observe

import (
	"slices"

	auditinternal "k8s.io/apiserver/pkg/apis/audit"
	"k8s.io/apiserver/pkg/audit"
	"k8s.io/apiserver/pkg/audit/policy"
)

// Rules evaluates a policy for requests to targets. Rules that none of them
// can match are left out, since each is looked at for each request.
func Rules(p *auditinternal.Policy) audit.PolicyRuleEvaluator {
	return policy.NewPolicyRuleEvaluator(forProxying(p))
}

func forProxying(p *auditinternal.Policy) *auditinternal.Policy {
	less := *p
	less.Rules = slices.DeleteFunc(slices.Clone(p.Rules), func(r auditinternal.PolicyRule) bool {
		ofNoResource := len(r.NonResourceURLs) > 0 && len(r.Namespaces) == 0 && len(r.Resources) == 0
		return ofNoResource || len(r.Resources) > 0 && !slices.ContainsFunc(r.Resources, proxied)
	})
	return &less
}

// proxied reports whether resources of a rule may be targets, which are all of
// the core group.
func proxied(g auditinternal.GroupResources) bool {
	if g.Group != "" && g.Group != "*" {
		return false
	}
	return len(g.Resources) == 0 || slices.ContainsFunc(g.Resources, func(r string) bool {
		switch r {
		case "*", "*/proxy", "services/*", "services/proxy", "pods/*", "pods/proxy", "nodes/*", "nodes/proxy",
			"*/portforward", "services/portforward", "pods/portforward":
			return true
		}
		return false
	})
}
