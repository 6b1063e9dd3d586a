package validation

import (
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// deployment checks a new deployment.
func deployment(d *appsv1.Deployment) field.ErrorList {
	return append(metadata(&d.ObjectMeta, namespaced, subdomainName), deploymentSpec(&d.Spec, field.NewPath("spec"))...)
}

func deploymentSpec(spec *appsv1.DeploymentSpec, p *field.Path) field.ErrorList {
	errs := wantedReplicas(spec.Replicas, p.Child("replicas"))
	errs = append(errs, selectedTemplate(spec.Selector, &spec.Template, "Deployment", p)...)
	errs = append(errs, deploymentStrategy(&spec.Strategy, p.Child("strategy"))...)
	errs = append(errs, atLeastZero(p.Child("minReadySeconds"), spec.MinReadySeconds)...)
	errs = append(errs, wantedIfSet(spec.RevisionHistoryLimit, p.Child("revisionHistoryLimit"))...)
	if deadline := spec.ProgressDeadlineSeconds; deadline != nil {
		errs = append(errs, atLeastZero(p.Child("progressDeadlineSeconds"), *deadline)...)
		if *deadline <= spec.MinReadySeconds {
			errs = append(errs, field.Invalid(p.Child("progressDeadlineSeconds"), *deadline, "must be greater than minReadySeconds"))
		}
	}
	return errs
}

func deploymentStrategy(s *appsv1.DeploymentStrategy, p *field.Path) field.ErrorList {
	at := p.Child("rollingUpdate")
	switch {
	case s.Type == appsv1.RecreateDeploymentStrategyType && s.RollingUpdate != nil:
		return field.ErrorList{field.Forbidden(at, "may not be specified when strategy `type` is 'Recreate'")}
	case s.Type == appsv1.RollingUpdateDeploymentStrategyType && s.RollingUpdate == nil:
		return field.ErrorList{field.Required(at, "this should be defaulted and never be nil")}
	case s.Type == appsv1.RollingUpdateDeploymentStrategyType:
		return rollingUpdate(s.RollingUpdate, at)
	}
	return oneOf(p.Child("type"), s.Type, appsv1.RecreateDeploymentStrategyType, appsv1.RollingUpdateDeploymentStrategyType)
}

// rollingUpdate checks that an update can go on: with neither a pod too many
// nor one too few allowed, it could not.
func rollingUpdate(r *appsv1.RollingUpdateDeployment, p *field.Path) field.ErrorList {
	unavailable, surge := intstrOrZero(r.MaxUnavailable), intstrOrZero(r.MaxSurge)
	at := p.Child("maxUnavailable")
	errs := numberOrPercent(at, unavailable)
	errs = append(errs, numberOrPercent(p.Child("maxSurge"), surge)...)
	if isZero(unavailable) && isZero(surge) {
		errs = append(errs, field.Invalid(at, unavailable.String(), "may not be 0 when `maxSurge` is 0"))
	}
	if percent, err := intstr.GetScaledValueFromIntOrPercent(&unavailable, 100, false); err == nil && unavailable.Type == intstr.String && percent > 100 {
		errs = append(errs, field.Invalid(at, unavailable.String(), "must not be greater than 100%"))
	}
	return errs
}

func intstrOrZero(v *intstr.IntOrString) intstr.IntOrString {
	if v == nil {
		return intstr.FromInt32(0)
	}
	return *v
}

func isZero(v intstr.IntOrString) bool {
	if v.Type == intstr.Int {
		return v.IntVal == 0
	}
	return strings.Trim(v.StrVal, "0") == "%"
}

func numberOrPercent(p *field.Path, v intstr.IntOrString) field.ErrorList {
	if v.Type == intstr.Int {
		return atLeastZero(p, v.IntVal)
	}
	return invalidIf(p, v.String(), validation.IsValidPercent(v.StrVal))
}

func deploymentUpdate(d, old *appsv1.Deployment) field.ErrorList {
	errs := metadataUpdate(&d.ObjectMeta, &old.ObjectMeta)
	p := field.NewPath("spec")
	errs = append(errs, deploymentSpec(&d.Spec, p)...)
	return append(errs, immutable(p.Child("selector"), d.Spec.Selector, old.Spec.Selector)...)
}

func deploymentStatus(d, old *appsv1.Deployment) field.ErrorList {
	errs := metadataUpdate(&d.ObjectMeta, &old.ObjectMeta)
	p, status := field.NewPath("status"), d.Status
	errs = append(errs, atLeastZero(p.Child("observedGeneration"), status.ObservedGeneration)...)
	errs = append(errs, atLeastZero(p.Child("replicas"), status.Replicas)...)
	errs = append(errs, atLeastZero(p.Child("unavailableReplicas"), status.UnavailableReplicas)...)
	errs = append(errs, wantedIfSet(status.TerminatingReplicas, p.Child("terminatingReplicas"))...)
	errs = append(errs, partsOf(status.Replicas, p, []count{
		{"updatedReplicas", status.UpdatedReplicas},
		{"readyReplicas", status.ReadyReplicas},
		{"availableReplicas", status.AvailableReplicas},
	})...)
	errs = append(errs, availableAreReady(status.AvailableReplicas, status.ReadyReplicas, p)...)
	return append(errs, collisions(status.CollisionCount, old.Status.CollisionCount, p)...)
}
