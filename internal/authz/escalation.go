package authz

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/component-helpers/auth/rbac/validation"
)

// Guard keeps users from granting what they do not hold. The storage of roles
// and bindings asks it before every create and update, and wraps its error in a
// Forbidden.
type Guard struct {
	// Authorizer decides on the verbs escalate and bind.
	Authorizer authorizer.UnconditionalAuthorizer
	// Held knows what users hold and what roles contain.
	Held *RBAC
}

// Role returns an error if the user may not give a role these rules. The
// namespace and name are the role's; the namespace is empty for a ClusterRole.
// An update that leaves the rules as they are should not be asked about.
func (g Guard) Role(ctx context.Context, u user.Info, namespace, name string, rules []rbacv1.PolicyRule) error {
	if EscalationAllowed(u) || CanEscalate(ctx, g.Authorizer, u, namespace, name) {
		return nil
	}
	return ConfirmNoEscalation(ctx, u, namespace, g.Held, rules)
}

// Binding returns an error if the user may not bind the role. The namespace is
// that of the RoleBinding, empty for a ClusterRoleBinding.
func (g Guard) Binding(ctx context.Context, u user.Info, namespace string, ref rbacv1.RoleRef) error {
	if EscalationAllowed(u) || CanBind(ctx, g.Authorizer, u, namespace, ref) {
		return nil
	}
	rules, err := g.Held.RoleRules(namespace, ref)
	if err != nil {
		return err
	}
	return ConfirmNoEscalation(ctx, u, namespace, g.Held, rules)
}

// EscalationAllowed tells whether the user is above roles: system:masters.
func EscalationAllowed(u user.Info) bool {
	return slices.Contains(u.GetGroups(), user.SystemPrivilegedGroup)
}

// CanEscalate tells whether the user has the verb escalate on the role, and so
// may put anything into it. An empty namespace means a ClusterRole.
func CanEscalate(ctx context.Context, a authorizer.UnconditionalAuthorizer, u user.Info, namespace, name string) bool {
	kind := kindRole
	if namespace == "" {
		kind = kindClusterRole
	}
	return allowedOnRole(ctx, a, u, "escalate", namespace, kind, name)
}

// CanBind tells whether the user has the verb bind on the role, and so may grant
// it without holding it.
func CanBind(ctx context.Context, a authorizer.UnconditionalAuthorizer, u user.Info, namespace string, ref rbacv1.RoleRef) bool {
	return allowedOnRole(ctx, a, u, "bind", namespace, ref.Kind, ref.Name)
}

func allowedOnRole(ctx context.Context, a authorizer.UnconditionalAuthorizer, u user.Info, verb, namespace, kind, name string) bool {
	resources := map[string]string{kindRole: "roles", kindClusterRole: "clusterroles"}
	resource, known := resources[kind]
	if !known {
		return false
	}
	decision, _, err := a.Authorize(ctx, authorizer.AttributesRecord{
		User: u, Verb: verb, Namespace: namespace, Name: name,
		APIGroup: rbacv1.GroupName, APIVersion: "*", Resource: resource,
		ResourceRequest: true,
	})
	return err == nil && decision == authorizer.DecisionAllow
}

// ConfirmNoEscalation returns an error that lists those of the rules which the
// user does not hold in the namespace.
func ConfirmNoEscalation(ctx context.Context, u user.Info, namespace string, held authorizer.RuleResolver, rules []rbacv1.PolicyRule) error {
	resources, urls, _, resolveErr := held.RulesFor(ctx, u, namespace)
	covered, missing := validation.Covers(policyRules(resources, urls), rules)
	if covered {
		return nil
	}
	var lines []string
	for _, rule := range compact(missing) {
		lines = append(lines, ruleString(rule))
	}
	slices.Sort(lines)
	message := fmt.Sprintf("user %q (groups=%q) is attempting to grant RBAC permissions not currently held:\n%s",
		u.GetName(), u.GetGroups(), strings.Join(slices.Compact(lines), "\n"))
	if resolveErr != nil {
		message += fmt.Sprintf("; resolution errors: %v", []error{resolveErr})
	}
	return errors.New(message)
}

func policyRules(resources []authorizer.ResourceRuleInfo, urls []authorizer.NonResourceRuleInfo) []rbacv1.PolicyRule {
	rules := make([]rbacv1.PolicyRule, 0, len(resources)+len(urls))
	for _, r := range resources {
		rules = append(rules, rbacv1.PolicyRule{
			Verbs: r.GetVerbs(), APIGroups: r.GetAPIGroups(), Resources: r.GetResources(), ResourceNames: r.GetResourceNames(),
		})
	}
	for _, u := range urls {
		rules = append(rules, rbacv1.PolicyRule{Verbs: u.GetVerbs(), NonResourceURLs: u.GetNonResourceURLs()})
	}
	return rules
}

// compact joins rules that differ in their verbs alone: Covers takes rules apart
// to single verbs, and people want to read them whole.
func compact(rules []rbacv1.PolicyRule) []rbacv1.PolicyRule {
	var out []rbacv1.PolicyRule
	at := map[string]int{}
	for _, rule := range rules {
		verbless := rule
		verbless.Verbs = nil
		key := ruleString(verbless)
		i, known := at[key]
		if !known {
			at[key] = len(out)
			out = append(out, rule)
			continue
		}
		for _, verb := range rule.Verbs {
			if !slices.Contains(out[i].Verbs, verb) {
				out[i].Verbs = append(out[i].Verbs, verb)
			}
		}
	}
	return out
}

// ruleString prints a rule as Kubernetes does in its refusals.
func ruleString(rule rbacv1.PolicyRule) string {
	var parts []string
	for _, field := range []struct {
		name   string
		values []string
	}{
		{"APIGroups", rule.APIGroups},
		{"Resources", rule.Resources},
		{"NonResourceURLs", rule.NonResourceURLs},
		{"ResourceNames", rule.ResourceNames},
		{"Verbs", rule.Verbs},
	} {
		if len(field.values) > 0 {
			parts = append(parts, fmt.Sprintf("%s:%q", field.name, field.values))
		}
	}
	return "{" + strings.Join(parts, ", ") + "}"
}
