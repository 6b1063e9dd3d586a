package validation

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// replicaSet checks a new replica set.
func replicaSet(rs *appsv1.ReplicaSet) field.ErrorList {
	return append(metadata(&rs.ObjectMeta, namespaced, subdomainName), replicaSetSpec(&rs.Spec, field.NewPath("spec"))...)
}

func replicaSetSpec(spec *appsv1.ReplicaSetSpec, p *field.Path) field.ErrorList {
	errs := wantedReplicas(spec.Replicas, p.Child("replicas"))
	errs = append(errs, atLeastZero(p.Child("minReadySeconds"), spec.MinReadySeconds)...)
	return append(errs, selectedTemplate(spec.Selector, &spec.Template, "ReplicaSet", p)...)
}

func replicaSetUpdate(rs, old *appsv1.ReplicaSet) field.ErrorList {
	errs := metadataUpdate(&rs.ObjectMeta, &old.ObjectMeta)
	p := field.NewPath("spec")
	errs = append(errs, replicaSetSpec(&rs.Spec, p)...)
	return append(errs, immutable(p.Child("selector"), rs.Spec.Selector, old.Spec.Selector)...)
}

func replicaSetStatus(rs, old *appsv1.ReplicaSet) field.ErrorList {
	errs := metadataUpdate(&rs.ObjectMeta, &old.ObjectMeta)
	p, status := field.NewPath("status"), rs.Status
	errs = append(errs, atLeastZero(p.Child("replicas"), status.Replicas)...)
	errs = append(errs, atLeastZero(p.Child("observedGeneration"), status.ObservedGeneration)...)
	errs = append(errs, wantedIfSet(status.TerminatingReplicas, p.Child("terminatingReplicas"))...)
	errs = append(errs, partsOf(status.Replicas, p, []count{
		{"fullyLabeledReplicas", status.FullyLabeledReplicas},
		{"readyReplicas", status.ReadyReplicas},
		{"availableReplicas", status.AvailableReplicas},
	})...)
	return append(errs, availableAreReady(status.AvailableReplicas, status.ReadyReplicas, p)...)
}

// wantedReplicas checks a number that defaulting has set.
func wantedReplicas(n *int32, p *field.Path) field.ErrorList {
	if n == nil {
		return field.ErrorList{field.Required(p, "")}
	}
	return atLeastZero(p, *n)
}

func wantedIfSet(n *int32, p *field.Path) field.ErrorList {
	if n == nil {
		return nil
	}
	return atLeastZero(p, *n)
}

// selectedTemplate checks a template and the selector that finds what a kind of
// controller makes of it.
func selectedTemplate(s *metav1.LabelSelector, t *corev1.PodTemplateSpec, kind string, p *field.Path) field.ErrorList {
	at := p.Child("selector")
	if s == nil {
		return field.ErrorList{field.Required(at, "")}
	}
	errs := selector(at, s)
	if len(s.MatchLabels)+len(s.MatchExpressions) == 0 {
		errs = append(errs, field.Invalid(at, s, "empty selector is invalid for "+kind))
	}
	compiled, err := metav1.LabelSelectorAsSelector(s)
	if err != nil {
		return append(errs, field.Invalid(at, s, "invalid label selector"))
	}
	return append(errs, controlledTemplate(t, compiled, kind, p.Child("template"))...)
}
