package garbagecollector

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
)

// resourceKind is a kind of object and where it is served.
type resourceKind struct {
	resource   schema.GroupVersionResource
	kind       schema.GroupKind
	namespaced bool
}

// kinds is what the API server serves.
type kinds struct {
	// byKind has all kinds in all versions, to look up owners by.
	byKind map[schema.GroupVersionKind]resourceKind

	// watched has, of each resource whose objects can be listed, watched and
	// deleted, the version that the server prefers.
	watched map[schema.GroupVersionResource]resourceKind
}

// discover asks the server. What a group that did not answer had before (in
// previous) it is taken to have still: to forget a kind for an hour of trouble
// would be to forget who owns what.
func discover(source Discovery, previous kinds) (kinds, error) {
	groups, lists, err := source.ServerGroupsAndResources()
	failed, partial := discovery.GroupDiscoveryFailedErrorGroups(err)
	if err != nil && !partial {
		return previous, fmt.Errorf("asking the API server which kinds it serves: %w", err)
	}
	found := kinds{
		byKind:  map[schema.GroupVersionKind]resourceKind{},
		watched: map[schema.GroupVersionResource]resourceKind{},
	}
	chosen := map[schema.GroupResource]schema.GroupVersionResource{}
	for _, list := range lists {
		version, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			continue
		}
		for i := range list.APIResources {
			found.add(version, &list.APIResources[i], chosen, preferred(groups, version))
		}
	}
	for kind, known := range previous.byKind {
		if _, ok := failed[kind.GroupVersion()]; ok {
			found.byKind[kind] = known
		}
	}
	for resource, known := range previous.watched {
		if _, ok := failed[resource.GroupVersion()]; ok {
			found.watched[resource] = known
		}
	}
	return found, nil
}

func (k *kinds) add(version schema.GroupVersion, resource *metav1.APIResource, chosen map[schema.GroupResource]schema.GroupVersionResource, preferred bool) {
	at := version.WithResource(resource.Name)
	kind := resourceKind{
		resource:   at,
		kind:       schema.GroupKind{Group: version.Group, Kind: resource.Kind},
		namespaced: resource.Namespaced,
	}
	if slices.Contains(resource.Verbs, "get") && !isSubresource(resource.Name) {
		k.byKind[version.WithKind(resource.Kind)] = kind
	}
	if !collectable(at.GroupResource(), resource.Verbs) {
		return
	}
	other, taken := chosen[at.GroupResource()]
	if taken && !preferred {
		return
	}
	delete(k.watched, other)
	chosen[at.GroupResource()] = at
	k.watched[at] = kind
}

// collectable leaves out events: they come and go in numbers, own nothing and
// nobody owns them.
func collectable(resource schema.GroupResource, verbs []string) bool {
	for _, verb := range []string{"list", "watch", "delete", "get", "patch"} {
		if !slices.Contains(verbs, verb) {
			return false
		}
	}
	return !isSubresource(resource.Resource) &&
		resource != corev1.Resource("events") && resource != eventsv1.Resource("events")
}

func isSubresource(name string) bool {
	return strings.Contains(name, "/")
}

func preferred(groups []*metav1.APIGroup, version schema.GroupVersion) bool {
	return slices.ContainsFunc(groups, func(group *metav1.APIGroup) bool {
		return group.Name == version.Group && group.PreferredVersion.Version == version.Version
	})
}
