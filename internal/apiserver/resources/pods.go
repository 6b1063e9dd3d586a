package resources

import (
	"context"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/kubectl/pkg/util/qos"

	"github.com/causeway-access/causeway/internal/apiserver/registry"
	"github.com/causeway-access/causeway/internal/apiserver/validation"
)

func pods() *registry.Resource {
	r := registry.Define[corev1.Pod, corev1.PodList](coreV1, "Pod", "pods", "pod")
	r.Short, r.Categories, r.Status, r.Generation = []string{"po"}, all, true, true
	r.Fields = podFields
	r.PrepareCreate = func(_ context.Context, o runtime.Object) {
		p := o.(*corev1.Pod)
		p.Spec.DeprecatedServiceAccount = p.Spec.ServiceAccountName
		tolerateAbsence(p)
		p.Status = corev1.PodStatus{Phase: corev1.PodPending, QOSClass: qos.ComputePodQOS(p)}
	}
	// What was added at the creation may not be missing in a manifest that
	// replaces the pod: tolerations can only be added.
	r.PrepareUpdate = func(_ context.Context, o, _ runtime.Object) { tolerateAbsence(o.(*corev1.Pod)) }
	r.PrepareStatus = func(_ context.Context, o, old runtime.Object) {
		now, then := o.(*corev1.Pod), old.(*corev1.Pod)
		// Only the subresources bind a pod and ask it to go.
		now.DeletionTimestamp, now.DeletionGracePeriodSeconds = then.DeletionTimestamp, then.DeletionGracePeriodSeconds
		if now.Status.QOSClass == "" {
			now.Status.QOSClass = then.Status.QOSClass
		}
		if now.Status.PodIP != "" && len(now.Status.PodIPs) == 0 {
			now.Status.PodIPs = []corev1.PodIP{{IP: now.Status.PodIP}}
		}
	}
	r.Grace = podGrace
	return r
}

func podFields(o runtime.Object) fields.Set {
	p := o.(*corev1.Pod)
	ip := p.Status.PodIP
	if len(p.Status.PodIPs) > 0 {
		ip = p.Status.PodIPs[0].IP
	}
	return fields.Set{
		"spec.nodeName":            p.Spec.NodeName,
		"spec.restartPolicy":       string(p.Spec.RestartPolicy),
		"spec.schedulerName":       p.Spec.SchedulerName,
		"spec.serviceAccountName":  p.Spec.ServiceAccountName,
		"spec.hostNetwork":         strconv.FormatBool(p.Spec.HostNetwork),
		"status.phase":             string(p.Status.Phase),
		"status.podIP":             ip,
		"status.podIPs":            ip,
		"status.nominatedNodeName": p.Status.NominatedNodeName,
	}
}

// podGrace gives a running pod the time it asks for. One that no node has
// seen, or that has ended, goes at once.
func podGrace(_ context.Context, o runtime.Object, options *metav1.DeleteOptions) bool {
	p := o.(*corev1.Pod)
	var period int64
	switch {
	case p.Spec.NodeName == "", p.Status.Phase == corev1.PodFailed, p.Status.Phase == corev1.PodSucceeded:
	case options.GracePeriodSeconds != nil:
		period = *options.GracePeriodSeconds
	case p.Spec.TerminationGracePeriodSeconds != nil:
		period = *p.Spec.TerminationGracePeriodSeconds
	}
	if period < 0 {
		period = 1 // what a negative period has always meant
	}
	options.GracePeriodSeconds = &period
	return true
}

func (b *builder) addPods(s served) {
	store := b.rest(pods())
	if b.err != nil {
		return
	}
	bind := &bindingREST{store}
	s["pods"] = store
	s["pods/status"] = store.Status()
	s["pods/ephemeralcontainers"] = store.View(registry.ViewConfig{
		Prepare: func(_ context.Context, obj, old runtime.Object) {
			now, then := obj.(*corev1.Pod), old.(*corev1.Pod)
			added := now.Spec.EphemeralContainers
			*now = *then.DeepCopy()
			now.Spec.EphemeralContainers = added
		},
		Validate: validation.For(schema.GroupResource{Resource: "pods/ephemeralcontainers"}).Update,
	})
	s["pods/binding"] = bind
	s["bindings"] = &legacyBindingREST{bind}
	s["pods/eviction"] = &evictionREST{store}
}
