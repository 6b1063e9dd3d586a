package authz

import (
	"maps"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/tools/cache"
)

// changes is what of the index is out of date.
type changes struct {
	clusterRoles, clusterBindings bool
	namespaces                    map[string]bool
}

func (c *changes) namespace(name string) {
	if c.namespaces == nil {
		c.namespaces = map[string]bool{}
	}
	c.namespaces[name] = true
}

func (c *changes) none() bool {
	return !c.clusterRoles && !c.clusterBindings && len(c.namespaces) == 0
}

func (r *RBAC) handler(note func(*changes, string)) cache.ResourceEventHandler {
	changed := func(object any) {
		if tomb, ok := object.(cache.DeletedFinalStateUnknown); ok {
			object = tomb.Obj
		}
		if m, err := meta.Accessor(object); err == nil {
			r.note(func(c *changes) { note(c, m.GetNamespace()) })
		}
	}
	return cache.ResourceEventHandlerFuncs{
		AddFunc: changed,
		UpdateFunc: func(before, after any) {
			if before != after { // a resync is no change
				changed(after)
			}
		},
		DeleteFunc: changed,
	}
}

// note remembers a change, and sees to it that somebody works on it. Changes
// that come while he works wait for him together, so that a thousand of them
// cost a few rebuilds, not a thousand.
func (r *RBAC) note(change func(*changes)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.changed)
	if !r.working {
		r.working = true
		go r.work()
	}
}

func (r *RBAC) work() {
	for {
		r.mu.Lock()
		todo := r.changed
		r.changed = changes{}
		if todo.none() {
			r.working = false
			r.mu.Unlock()
			return
		}
		r.mu.Unlock()
		r.now.Store(r.rebuild(r.now.Load(), todo))
	}
}

// rebuild makes a new index from the old one and the listers, which are always
// at least as new as the events.
func (r *RBAC) rebuild(old *index, todo changes) *index {
	next := *old
	if todo.clusterRoles {
		next.clusterRoles = r.buildClusterRoles(old)
	}
	if todo.clusterBindings {
		next.cluster = r.buildClusterBindings()
	}
	if len(todo.namespaces) > 0 {
		next.namespaces = maps.Clone(old.namespaces)
		if next.namespaces == nil {
			next.namespaces = map[string]*namespace{}
		}
		for name := range todo.namespaces {
			if built := r.buildNamespace(old, name); built != nil {
				next.namespaces[name] = built
			} else {
				delete(next.namespaces, name)
			}
		}
	}
	return &next
}

// The listers below read memory and know no errors.

func (r *RBAC) buildClusterRoles(old *index) map[string]*role {
	list, _ := r.clusterRoles.List(labels.Everything())
	roles := make(map[string]*role, len(list))
	for _, from := range list {
		roles[from.Name] = recompile(old.clusterRoles[from.Name], from, from.Rules)
	}
	return roles
}

func (r *RBAC) buildClusterBindings() bindings {
	list, _ := r.clusterBindings.List(labels.Everything())
	slices.SortFunc(list, func(a, b *rbacv1.ClusterRoleBinding) int { return strings.Compare(a.Name, b.Name) })
	all := newBindings()
	for _, from := range list {
		all.add("", from.Name, from.RoleRef, from.Subjects)
	}
	return all
}

func (r *RBAC) buildNamespace(old *index, name string) *namespace {
	roles, _ := r.roles.Roles(name).List(labels.Everything())
	list, _ := r.bindings.RoleBindings(name).List(labels.Everything())
	if len(roles)+len(list) == 0 {
		return nil
	}
	before := old.namespaces[name]
	if before == nil {
		before = &namespace{}
	}
	built := &namespace{roles: make(map[string]*role, len(roles)), bindings: newBindings()}
	for _, from := range roles {
		built.roles[from.Name] = recompile(before.roles[from.Name], from, from.Rules)
	}
	slices.SortFunc(list, func(a, b *rbacv1.RoleBinding) int { return strings.Compare(a.Name, b.Name) })
	for _, from := range list {
		built.bindings.add(name, from.Name, from.RoleRef, from.Subjects)
	}
	return built
}

// recompile keeps what was compiled from the very same object.
func recompile(before *role, source any, rules []rbacv1.PolicyRule) *role {
	if before != nil && before.source == source {
		return before
	}
	return compile(source, rules)
}
