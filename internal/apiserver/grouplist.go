package apiserver

import (
	"context"
	"fmt"
	"reflect"
	"slices"

	"k8s.io/apiextensions-apiserver/pkg/apihelpers"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	informers "k8s.io/apiextensions-apiserver/pkg/client/informers/externalversions/apiextensions/v1"
	listers "k8s.io/apiextensions-apiserver/pkg/client/listers/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/version"
	"k8s.io/apiserver/pkg/endpoints/discovery"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
)

// groupList keeps the groups of custom resources in the API server's list at
// /apis, which would else name only its own. (The aggregated form of the
// list, KEP-3352, is shared by both servers and needs no help.)
type groupList struct {
	crds      listers.CustomResourceDefinitionLister
	synced    cache.InformerSynced
	into      discovery.GroupManager
	changed   chan struct{}
	announced map[string]metav1.APIGroup
}

func newGroupList(crds informers.CustomResourceDefinitionInformer, into discovery.GroupManager) (*groupList, error) {
	l := &groupList{crds: crds.Lister(), into: into, changed: make(chan struct{}, 1), announced: map[string]metav1.APIGroup{}}
	registration, err := crds.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { l.wake() },
		UpdateFunc: func(_, _ any) { l.wake() },
		DeleteFunc: func(any) { l.wake() },
	})
	if err != nil {
		return nil, fmt.Errorf("watching custom resource definitions: %w", err)
	}
	l.synced = registration.HasSynced
	return l, nil
}

func (l *groupList) wake() {
	select {
	case l.changed <- struct{}{}:
	default: // it is to look anyway
	}
}

func (l *groupList) run(ctx context.Context) {
	if !cache.WaitForCacheSync(ctx.Done(), l.synced) {
		return
	}
	for l.update(); ; {
		select {
		case <-ctx.Done():
			return
		case <-l.changed:
			l.update()
		}
	}
}

// update makes the list say what the definitions say.
func (l *groupList) update() {
	definitions, err := l.crds.List(labels.Everything())
	if err != nil {
		klog.ErrorS(err, "Listing custom resource definitions")
		return
	}
	wanted := groupsOf(definitions)
	for name := range l.announced {
		if _, ok := wanted[name]; !ok {
			l.into.RemoveGroup(name)
			delete(l.announced, name)
		}
	}
	for name, group := range wanted {
		if !reflect.DeepEqual(l.announced[name], group) {
			l.into.AddGroup(group)
			l.announced[name] = group
		}
	}
}

// groupsOf are the groups with their served versions, the one that clients
// should prefer first; and that of the definitions themselves.
func groupsOf(definitions []*apiextensionsv1.CustomResourceDefinition) map[string]metav1.APIGroup {
	versions := map[string][]string{apiextensionsv1.GroupName: {apiextensionsv1.SchemeGroupVersion.Version}}
	for _, d := range definitions {
		if !apihelpers.IsCRDConditionTrue(d, apiextensionsv1.Established) {
			continue
		}
		for _, v := range d.Spec.Versions {
			if v.Served && !slices.Contains(versions[d.Spec.Group], v.Name) {
				versions[d.Spec.Group] = append(versions[d.Spec.Group], v.Name)
			}
		}
	}
	groups := make(map[string]metav1.APIGroup, len(versions))
	for name, list := range versions {
		slices.SortFunc(list, func(a, b string) int { return version.CompareKubeAwareVersionStrings(b, a) })
		group := metav1.APIGroup{Name: name}
		for _, v := range list {
			group.Versions = append(group.Versions, metav1.GroupVersionForDiscovery{GroupVersion: name + "/" + v, Version: v})
		}
		if len(group.Versions) > 0 {
			group.PreferredVersion = group.Versions[0]
			groups[name] = group
		}
	}
	return groups
}
