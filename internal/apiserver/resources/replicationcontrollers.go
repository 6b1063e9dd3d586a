package resources

import (
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/causeway-access/causeway/internal/apiserver/registry"
)

func replicationControllers() *registry.Resource {
	r := registry.Define[corev1.ReplicationController, corev1.ReplicationControllerList](coreV1, "ReplicationController", "replicationcontrollers", "replicationcontroller")
	r.Short, r.Categories, r.Status, r.Generation = []string{"rc"}, all, true, true
	r.Fields = func(o runtime.Object) fields.Set {
		return fields.Set{"status.replicas": strconv.Itoa(int(o.(*corev1.ReplicationController).Status.Replicas))}
	}
	return r
}
