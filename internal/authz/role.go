package authz

import (
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apiserver/pkg/authorization/authorizer"
)

// role is a Role or ClusterRole compiled for look-up. It is immutable.
type role struct {
	// source is the object it was compiled from; informers hand out a new
	// pointer for every change.
	source any
	policy []rbacv1.PolicyRule

	// every holds the rules on resource "*", by API group.
	every map[string][]permission
	// some holds the rules on named resources.
	some map[resource][]permission
	urls []urlPermission
}

// resource is what a rule speaks of: "pods", "pods/log", or "*/log".
type resource struct{ group, name, sub string }

// permission is what a rule allows on a resource.
type permission struct {
	verbs []string
	// names is empty for all objects.
	names []string
}

// urlPermission is what a rule allows on paths that are no resources.
type urlPermission struct {
	verbs []string
	urls  []string
}

func compile(source any, rules []rbacv1.PolicyRule) *role {
	r := &role{
		source: source,
		policy: rules,
		every:  map[string][]permission{},
		some:   map[resource][]permission{},
	}
	for _, rule := range rules {
		granted := permission{rule.Verbs, rule.ResourceNames}
		for _, group := range rule.APIGroups {
			for _, name := range rule.Resources {
				r.add(group, name, granted)
			}
		}
		if len(rule.NonResourceURLs) > 0 {
			r.urls = append(r.urls, urlPermission{rule.Verbs, rule.NonResourceURLs})
		}
	}
	return r
}

func (r *role) add(group, name string, granted permission) {
	if name == rbacv1.ResourceAll {
		r.every[group] = append(r.every[group], granted)
		return
	}
	name, sub, _ := strings.Cut(name, "/")
	key := resource{group, name, sub}
	r.some[key] = append(r.some[key], granted)
}

// allows tells whether the role allows the request.
func (r *role) allows(a authorizer.Attributes) bool {
	verb := a.GetVerb()
	if !a.IsResourceRequest() {
		return slices.ContainsFunc(r.urls, func(p urlPermission) bool {
			return hasVerb(p.verbs, verb) && matchesURL(p.urls, a.GetPath())
		})
	}
	return r.allowsIn(a.GetAPIGroup(), verb, a) || r.allowsIn(rbacv1.APIGroupAll, verb, a)
}

// allowsIn looks at the rules that name the group just so.
func (r *role) allowsIn(group, verb string, a authorizer.Attributes) bool {
	name := a.GetName()
	if anyAllows(r.every[group], verb, name) {
		return true
	}
	if len(r.some) == 0 {
		return false
	}
	sub := a.GetSubresource()
	if anyAllows(r.some[resource{group, a.GetResource(), sub}], verb, name) {
		return true
	}
	return sub != "" && anyAllows(r.some[resource{group, rbacv1.ResourceAll, sub}], verb, name)
}

func anyAllows(permissions []permission, verb, name string) bool {
	for i := range permissions {
		p := &permissions[i]
		if hasVerb(p.verbs, verb) && (len(p.names) == 0 || slices.Contains(p.names, name)) {
			return true
		}
	}
	return false
}

func hasVerb(verbs []string, verb string) bool {
	for _, v := range verbs {
		if v == verb || v == rbacv1.VerbAll {
			return true
		}
	}
	return false
}

func matchesURL(urls []string, path string) bool {
	for _, url := range urls {
		if url == path || url == rbacv1.NonResourceAll {
			return true
		}
		if strings.HasSuffix(url, "*") && strings.HasPrefix(path, strings.TrimRight(url, "*")) {
			return true
		}
	}
	return false
}
