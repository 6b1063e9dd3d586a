package resources

import (
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/causeway-access/causeway/internal/apiserver/registry"
)

var appsV1 = appsv1.SchemeGroupVersion

// apps is the group of what keeps pods alive and replaces them.
func (b *builder) apps() served {
	s := b.add(served{}, controllerRevisions(), daemonSets())
	b.addScalable(s, deployments())
	b.addScalable(s, replicaSets())
	return s
}

func controllerRevisions() *registry.Resource {
	return registry.Define[appsv1.ControllerRevision, appsv1.ControllerRevisionList](appsV1, "ControllerRevision", "controllerrevisions", "controllerrevision")
}

func daemonSets() *registry.Resource {
	r := registry.Define[appsv1.DaemonSet, appsv1.DaemonSetList](appsV1, "DaemonSet", "daemonsets", "daemonset")
	r.Short, r.Categories, r.Status, r.Generation = []string{"ds"}, all, true, true
	return r
}

func deployments() *registry.Resource {
	r := registry.Define[appsv1.Deployment, appsv1.DeploymentList](appsV1, "Deployment", "deployments", "deployment")
	r.Short, r.Categories, r.Status, r.Generation = []string{"deploy"}, all, true, true
	return r
}

func replicaSets() *registry.Resource {
	r := registry.Define[appsv1.ReplicaSet, appsv1.ReplicaSetList](appsV1, "ReplicaSet", "replicasets", "replicaset")
	r.Short, r.Categories, r.Status, r.Generation = []string{"rs"}, all, true, true
	r.Fields = func(o runtime.Object) fields.Set {
		return fields.Set{"status.replicas": strconv.Itoa(int(o.(*appsv1.ReplicaSet).Status.Replicas))}
	}
	return r
}
