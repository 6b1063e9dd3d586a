package garbagecollector

import (
	"context"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// behind reports that the API has an object which names owner as its own, and
// which the graph has not heard of yet. Each kind has a watch of its own, and
// they hear of things in no order: an owner's end may be known here before what
// was made for it just before. To let such an owner go would be to lose what
// was to be orphaned, or to let it go before what was to go first.
//
// Kinds that cannot be listed now are left out, as they are where kinds are
// waited for: one that is broken must not stop all others.
func (c *collector) behind(ctx context.Context, owner *object) bool {
	known := map[types.UID]bool{}
	for _, dependent := range c.graph.dependentsOf(owner.uid) {
		known[dependent.uid] = true
	}
	names := func(reference metav1.OwnerReference) bool { return reference.UID == owner.uid }
	for _, kind := range c.monitors.synced() {
		if owner.namespace != "" && !kind.namespaced {
			continue // may not have such an owner
		}
		list, err := c.metadata.Resource(kind.resource).Namespace(owner.namespace).List(ctx, metav1.ListOptions{})
		if err != nil {
			c.logger.Warn("cannot list what an object may own", "owner", owner.String(), "resource", kind.resource.GroupResource(), "error", err)
			continue
		}
		for i := range list.Items {
			item := &list.Items[i]
			if !known[item.UID] && slices.ContainsFunc(item.OwnerReferences, names) {
				return true
			}
		}
	}
	return false
}

// synced is the kinds that are watched and have been listed.
func (m *monitors) synced() []resourceKind {
	m.mu.Lock()
	defer m.mu.Unlock()
	var found []resourceKind
	for resource, kind := range m.known.watched {
		if monitor := m.running[resource]; monitor != nil && monitor.synced() {
			found = append(found, kind)
		}
	}
	return found
}
