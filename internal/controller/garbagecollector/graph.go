package garbagecollector

import (
	"maps"
	"slices"
	"sync"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// graph is all objects by UID, and for each UID that is named as an owner,
// known or not, the objects that name it.
type graph struct {
	mu         sync.Mutex
	objects    map[types.UID]*object
	dependents map[types.UID]map[types.UID]struct{}
}

func newGraph() *graph {
	return &graph{objects: map[types.UID]*object{}, dependents: map[types.UID]map[types.UID]struct{}{}}
}

// set takes in the present form of an object. It returns the UIDs to look at:
// the object, if it is new or its owners or its deletion changed; what it owns,
// if it began to wait for that; and owners that it no longer holds up.
func (g *graph) set(next *object) []types.UID {
	g.mu.Lock()
	defer g.mu.Unlock()
	previous := g.objects[next.uid]
	g.objects[next.uid] = next
	if previous != nil {
		g.unlink(previous)
	}
	g.link(next)

	var look []types.UID
	changed := previous == nil || !apiequality.Semantic.DeepEqual(previous.owners, next.owners)
	if (changed && len(next.owners) > 0) || (next.deleting && (next.orphaning || next.foreground)) {
		look = append(look, next.uid)
	}
	if changed && previous != nil {
		look = append(look, g.waitingOwners(previous)...)
	}
	if next.waiting() && (previous == nil || !previous.waiting()) {
		look = append(look, slices.Collect(maps.Keys(g.dependents[next.uid]))...)
	}
	return look
}

// remove takes out an object. It returns the UIDs to look at: what it owned,
// and owners that wait for it.
func (g *graph) remove(uid types.UID) []types.UID {
	g.mu.Lock()
	defer g.mu.Unlock()
	previous := g.objects[uid]
	if previous == nil {
		return nil
	}
	delete(g.objects, uid)
	g.unlink(previous)
	return append(g.waitingOwners(previous), slices.Collect(maps.Keys(g.dependents[uid]))...)
}

// get is the object of that UID, or nil.
func (g *graph) get(uid types.UID) *object {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.objects[uid]
}

// of is all objects of a resource.
func (g *graph) of(resource schema.GroupVersionResource) []types.UID {
	g.mu.Lock()
	defer g.mu.Unlock()
	var found []types.UID
	for uid, object := range g.objects {
		if object.resource == resource {
			found = append(found, uid)
		}
	}
	return found
}

// dependentsOf is the objects which name uid as an owner.
func (g *graph) dependentsOf(uid types.UID) []*object {
	g.mu.Lock()
	defer g.mu.Unlock()
	found := make([]*object, 0, len(g.dependents[uid]))
	for dependent := range g.dependents[uid] {
		found = append(found, g.objects[dependent])
	}
	return found
}

// doubtful reports that an owner of the object is not known to be there and to
// stay. The graph may say so wrongly while it is behind; it is when it calls an
// object not doubtful that it can be relied upon to hear of any change.
func (g *graph) doubtful(dependent *object) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, reference := range dependent.owners {
		owner := g.objects[reference.UID]
		if owner == nil || owner.waiting() || !owner.is(reference, dependent.identity) {
			return true
		}
	}
	return false
}

// link and unlink are called with the lock held, as is waitingOwners.
func (g *graph) link(dependent *object) {
	for _, reference := range dependent.owners {
		set := g.dependents[reference.UID]
		if set == nil {
			set = map[types.UID]struct{}{}
			g.dependents[reference.UID] = set
		}
		set[dependent.uid] = struct{}{}
	}
}

func (g *graph) unlink(dependent *object) {
	for _, reference := range dependent.owners {
		delete(g.dependents[reference.UID], dependent.uid)
		if len(g.dependents[reference.UID]) == 0 {
			delete(g.dependents, reference.UID)
		}
	}
}

func (g *graph) waitingOwners(dependent *object) []types.UID {
	var owners []types.UID
	for _, reference := range dependent.owners {
		if owner := g.objects[reference.UID]; owner != nil && owner.waiting() {
			owners = append(owners, owner.uid)
		}
	}
	return owners
}
