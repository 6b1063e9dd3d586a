package resources

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/causeway-access/causeway/internal/apiserver/registry"
)

func services() *registry.Resource {
	r := registry.Define[corev1.Service, corev1.ServiceList](coreV1, "Service", "services", "service")
	r.Short, r.Categories, r.Status = []string{"svc"}, all, true
	r.Fields = func(o runtime.Object) fields.Set {
		s := o.(*corev1.Service)
		return fields.Set{"spec.clusterIP": s.Spec.ClusterIP, "spec.type": string(s.Spec.Type)}
	}
	return r
}

// addServices hangs the allocation of addresses and ports around the writes.
func (b *builder) addServices(s served) {
	store := b.rest(services())
	if b.err != nil {
		return
	}
	s["services/status"] = store.Status()
	store.BeginCreate = b.Services.BeginCreate
	store.BeginUpdate = b.Services.BeginUpdate
	store.AfterDelete = b.Services.AfterDelete
	s["services"] = store
}
