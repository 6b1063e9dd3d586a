package resources

import (
	"context"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/causeway-access/causeway/internal/apiserver/registry"
)

var coreV1 = corev1.SchemeGroupVersion

// all is the category of what `kubectl get all` shows.
var all = []string{"all"}

// core is the group without a name.
func (b *builder) core(events *registry.REST) served {
	s := b.add(served{"events": events}, nodes(), endpoints(), secrets(), configMaps())
	b.addNamespaces(s)
	b.addPods(s)
	b.addPodStreams(s)
	b.addServices(s)
	b.addServiceAccounts(s)
	b.addScalable(s, replicationControllers())
	return s
}

func nodes() *registry.Resource {
	r := registry.Define[corev1.Node, corev1.NodeList](coreV1, "Node", "nodes", "node")
	r.Namespaced, r.Short, r.Status = false, []string{"no"}, true
	r.Fields = func(o runtime.Object) fields.Set {
		return fields.Set{"spec.unschedulable": strconv.FormatBool(o.(*corev1.Node).Spec.Unschedulable)}
	}
	r.StatusOnCreate = true // a node tells its first status when it registers
	return r
}

func endpoints() *registry.Resource {
	r := registry.Define[corev1.Endpoints, corev1.EndpointsList](coreV1, "Endpoints", "endpoints", "endpoints")
	r.Short, r.CreateOnUpdate = []string{"ep"}, true
	return r
}

func secrets() *registry.Resource {
	r := registry.Define[corev1.Secret, corev1.SecretList](coreV1, "Secret", "secrets", "secret")
	r.Fields = func(o runtime.Object) fields.Set {
		return fields.Set{"type": string(o.(*corev1.Secret).Type)}
	}
	r.PrepareCreate = func(_ context.Context, o runtime.Object) { mergeStringData(o.(*corev1.Secret)) }
	r.PrepareUpdate = func(_ context.Context, o, old runtime.Object) {
		mergeStringData(o.(*corev1.Secret))
		// An update that names no type keeps the stored one, which defaulting hides.
		if then := old.(*corev1.Secret).Type; o.(*corev1.Secret).Type == corev1.SecretTypeOpaque && then == "" {
			o.(*corev1.Secret).Type = then
		}
	}
	return r
}

// mergeStringData moves the write-only field into the data: it must not be
// stored, and the fields that an applier owns are those it named.
func mergeStringData(s *corev1.Secret) {
	if len(s.StringData) > 0 && s.Data == nil {
		s.Data = make(map[string][]byte, len(s.StringData))
	}
	for k, v := range s.StringData {
		s.Data[k] = []byte(v)
	}
	s.StringData = nil
}

func configMaps() *registry.Resource {
	r := registry.Define[corev1.ConfigMap, corev1.ConfigMapList](coreV1, "ConfigMap", "configmaps", "configmap")
	r.Short = []string{"cm"}
	return r
}
