package authz

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	rbacv1 "k8s.io/api/rbac/v1"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	rbacinformers "k8s.io/client-go/informers/rbac/v1"
	rbaclisters "k8s.io/client-go/listers/rbac/v1"
	"k8s.io/client-go/tools/cache"
)

// RBAC judges by Roles, ClusterRoles and their bindings. It is safe for
// concurrent use.
type RBAC struct {
	now atomic.Pointer[index]

	clusterRoles    rbaclisters.ClusterRoleLister
	clusterBindings rbaclisters.ClusterRoleBindingLister
	roles           rbaclisters.RoleLister
	bindings        rbaclisters.RoleBindingLister
	handlers        []cache.ResourceEventHandlerRegistration

	// mu guards changed and working.
	mu      sync.Mutex
	changed changes
	working bool
}

var (
	_ authorizer.Authorizer   = (*RBAC)(nil)
	_ authorizer.RuleResolver = (*RBAC)(nil)
)

// NewRBAC reads the informers, which the caller starts. Until they have synced
// it allows less than it will. It fails only for informers that have ended.
func NewRBAC(informers rbacinformers.Interface) (*RBAC, error) {
	r := &RBAC{
		clusterRoles:    informers.ClusterRoles().Lister(),
		clusterBindings: informers.ClusterRoleBindings().Lister(),
		roles:           informers.Roles().Lister(),
		bindings:        informers.RoleBindings().Lister(),
	}
	r.now.Store(&index{cluster: newBindings()})
	for _, watched := range []struct {
		informer cache.SharedIndexInformer
		note     func(*changes, string)
	}{
		{informers.ClusterRoles().Informer(), func(c *changes, _ string) { c.clusterRoles = true }},
		{informers.ClusterRoleBindings().Informer(), func(c *changes, _ string) { c.clusterBindings = true }},
		{informers.Roles().Informer(), (*changes).namespace},
		{informers.RoleBindings().Informer(), (*changes).namespace},
	} {
		handler, err := watched.informer.AddEventHandler(r.handler(watched.note))
		if err != nil {
			return nil, fmt.Errorf("watching roles and bindings: %w", err)
		}
		r.handlers = append(r.handlers, handler)
	}
	return r, nil
}

// HasSynced tells whether everything that was there at the start is indexed.
func (r *RBAC) HasSynced() bool {
	for _, handler := range r.handlers {
		if !handler.HasSynced() {
			return false
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.working
}

// Authorize allows what a role allows that is bound to the user, and has no
// opinion on the rest.
func (r *RBAC) Authorize(_ context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
	u := a.GetUser()
	if u == nil {
		return authorizer.DecisionNoOpinion, "", errors.New("RBAC: no user on request")
	}
	in := a.GetNamespace()
	if !a.IsResourceRequest() {
		in = "" // a RoleBinding grants nothing outside its namespace
	}
	x := r.now.Load()
	var allowed string
	var missing []error
	x.visit(u, in, func(g *grant) bool {
		role, err := x.role(g.namespace, g.ref)
		switch {
		case err != nil:
			missing = append(missing, err)
		case role.allows(a):
			allowed = g.allowed
		}
		return allowed == ""
	})
	if allowed != "" {
		return authorizer.DecisionAllow, allowed, nil
	}
	if len(missing) > 0 {
		return authorizer.DecisionNoOpinion, fmt.Sprintf("RBAC: %v", utilerrors.NewAggregate(missing)), nil
	}
	return authorizer.DecisionNoOpinion, "", nil
}

// ConditionsAwareAuthorize is Authorize: RBAC knows no conditions.
func (r *RBAC) ConditionsAwareAuthorize(ctx context.Context, a authorizer.Attributes) authorizer.ConditionsAwareDecision {
	return authorizer.ConditionsAwareDecisionFromParts(r.Authorize(ctx, a))
}

// EvaluateConditions is never called with a decision of RBAC's, and denies.
func (r *RBAC) EvaluateConditions(context.Context, authorizer.ConditionsAwareDecision, authorizer.ConditionsData) (authorizer.Decision, string, error) {
	return authorizer.DecisionDeny, "", authorizer.ErrorConditionEvaluationNotSupported
}

// RoleRules returns the rules of the role that a binding in the namespace would
// grant; a role that is not there is a NotFound error.
func (r *RBAC) RoleRules(namespace string, ref rbacv1.RoleRef) ([]rbacv1.PolicyRule, error) {
	role, err := r.now.Load().role(namespace, ref)
	if err != nil {
		return nil, err
	}
	return role.policy, nil
}

// PolicyRules returns every rule that the user holds in the namespace, and
// cluster-wide ones; with an empty namespace only those. The error names roles
// that are bound but missing; the rules are right nevertheless.
func (r *RBAC) PolicyRules(u user.Info, namespace string) ([]rbacv1.PolicyRule, error) {
	x := r.now.Load()
	var rules []rbacv1.PolicyRule
	var missing []error
	seen := map[[2]string]bool{} // a binding may name the user and his groups
	x.visit(u, namespace, func(g *grant) bool {
		id := [2]string{g.namespace, g.binding}
		if seen[id] {
			return true
		}
		seen[id] = true
		role, err := x.role(g.namespace, g.ref)
		if err != nil {
			missing = append(missing, err)
			return true
		}
		rules = append(rules, heldThrough(g, role)...)
		return true
	})
	return rules, utilerrors.NewAggregate(missing)
}

// heldThrough leaves out paths of a ClusterRole that is bound in a namespace
// only: they are not granted.
func heldThrough(g *grant, from *role) []rbacv1.PolicyRule {
	if g.namespace == "" || len(from.urls) == 0 {
		return from.policy
	}
	var rules []rbacv1.PolicyRule
	for _, rule := range from.policy {
		if len(rule.Resources) == 0 {
			continue
		}
		rule.NonResourceURLs = nil
		rules = append(rules, rule)
	}
	return rules
}

// RulesFor answers SelfSubjectRulesReview.
func (r *RBAC) RulesFor(_ context.Context, u user.Info, namespace string) ([]authorizer.ResourceRuleInfo, []authorizer.NonResourceRuleInfo, bool, error) {
	rules, err := r.PolicyRules(u, namespace)
	var resources []authorizer.ResourceRuleInfo
	var urls []authorizer.NonResourceRuleInfo
	for _, rule := range rules {
		if len(rule.Resources) > 0 {
			resources = append(resources, &authorizer.DefaultResourceRuleInfo{
				Verbs: rule.Verbs, APIGroups: rule.APIGroups, Resources: rule.Resources, ResourceNames: rule.ResourceNames,
			})
		}
		if len(rule.NonResourceURLs) > 0 {
			urls = append(urls, &authorizer.DefaultNonResourceRuleInfo{Verbs: rule.Verbs, NonResourceURLs: rule.NonResourceURLs})
		}
	}
	return resources, urls, false, err
}
