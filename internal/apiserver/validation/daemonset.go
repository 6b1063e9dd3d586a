package validation

import (
	"encoding/json"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// daemonSet checks a new daemon set.
func daemonSet(ds *appsv1.DaemonSet) field.ErrorList {
	return append(metadata(&ds.ObjectMeta, namespaced, subdomainName), daemonSetSpec(&ds.Spec, field.NewPath("spec"))...)
}

func daemonSetSpec(spec *appsv1.DaemonSetSpec, p *field.Path) field.ErrorList {
	errs := selectedTemplate(spec.Selector, &spec.Template, "DaemonSet", p)
	errs = append(errs, daemonStrategy(&spec.UpdateStrategy, p.Child("updateStrategy"))...)
	errs = append(errs, atLeastZero(p.Child("minReadySeconds"), spec.MinReadySeconds)...)
	return append(errs, wantedIfSet(spec.RevisionHistoryLimit, p.Child("revisionHistoryLimit"))...)
}

func daemonStrategy(s *appsv1.DaemonSetUpdateStrategy, p *field.Path) field.ErrorList {
	at := p.Child("rollingUpdate")
	switch {
	case s.Type == appsv1.RollingUpdateDaemonSetStrategyType && s.RollingUpdate == nil:
		return field.ErrorList{field.Required(at, "")}
	case s.Type == appsv1.RollingUpdateDaemonSetStrategyType:
		return daemonRate(s.RollingUpdate, at)
	}
	return oneOf(p.Child("type"), s.Type, appsv1.OnDeleteDaemonSetStrategyType, appsv1.RollingUpdateDaemonSetStrategyType)
}

// daemonRate checks that an update replaces pods either after the old ones have
// gone or before, not both.
func daemonRate(r *appsv1.RollingUpdateDaemonSet, p *field.Path) field.ErrorList {
	unavailable, surge := intstrOrZero(r.MaxUnavailable), intstrOrZero(r.MaxSurge)
	var errs field.ErrorList
	for _, rate := range []struct {
		name  string
		value intstr.IntOrString
	}{{"maxUnavailable", unavailable}, {"maxSurge", surge}} {
		at := p.Child(rate.name)
		errs = append(errs, numberOrPercent(at, rate.value)...)
		percent, err := intstr.GetScaledValueFromIntOrPercent(&rate.value, 100, false)
		if err == nil && rate.value.Type == intstr.String && percent > 100 {
			errs = append(errs, field.Invalid(at, rate.value.String(), "must not be greater than 100%"))
		}
	}
	switch {
	case isZero(unavailable) && isZero(surge):
		errs = append(errs, field.Invalid(p.Child("maxUnavailable"), unavailable.String(), "cannot be 0 when maxSurge is 0"))
	case !isZero(unavailable) && !isZero(surge):
		errs = append(errs, field.Invalid(p.Child("maxSurge"), surge.String(), "may not be set when maxUnavailable is non-zero"))
	}
	return errs
}

func daemonSetUpdate(ds, old *appsv1.DaemonSet) field.ErrorList {
	errs := metadataUpdate(&ds.ObjectMeta, &old.ObjectMeta)
	p := field.NewPath("spec")
	errs = append(errs, daemonSetSpec(&ds.Spec, p)...)
	return append(errs, immutable(p.Child("selector"), ds.Spec.Selector, old.Spec.Selector)...)
}

func daemonSetStatus(ds, old *appsv1.DaemonSet) field.ErrorList {
	errs := metadataUpdate(&ds.ObjectMeta, &old.ObjectMeta)
	p, status := field.NewPath("status"), ds.Status
	for _, c := range []count{
		{"currentNumberScheduled", status.CurrentNumberScheduled},
		{"numberMisscheduled", status.NumberMisscheduled},
		{"desiredNumberScheduled", status.DesiredNumberScheduled},
		{"numberReady", status.NumberReady},
		{"updatedNumberScheduled", status.UpdatedNumberScheduled},
		{"numberAvailable", status.NumberAvailable},
		{"numberUnavailable", status.NumberUnavailable},
	} {
		errs = append(errs, atLeastZero(p.Child(c.name), c.count)...)
	}
	errs = append(errs, atLeastZero(p.Child("observedGeneration"), status.ObservedGeneration)...)
	return append(errs, collisions(status.CollisionCount, old.Status.CollisionCount, p)...)
}

// collisions checks a count of names that were taken, which only grows.
func collisions(now, then *int32, p *field.Path) field.ErrorList {
	at := p.Child("collisionCount")
	errs := wantedIfSet(now, at)
	if then != nil && (now == nil || *now < *then) {
		errs = append(errs, field.Invalid(at, now, "cannot be decremented"))
	}
	return errs
}

// controllerRevision checks a new revision of what a controller was to keep.
func controllerRevision(r *appsv1.ControllerRevision) field.ErrorList {
	errs := metadata(&r.ObjectMeta, namespaced, subdomainName)
	data := field.NewPath("data")
	var object map[string]any
	switch {
	case len(r.Data.Raw) == 0:
		errs = append(errs, field.Required(data, "data is mandatory"))
	case json.Unmarshal(r.Data.Raw, &object) != nil || object == nil:
		errs = append(errs, field.Invalid(data, "", "must be a JSON object"))
	}
	return append(errs, atLeastZero(field.NewPath("revision"), r.Revision)...)
}

func controllerRevisionUpdate(r, old *appsv1.ControllerRevision) field.ErrorList {
	errs := metadataUpdate(&r.ObjectMeta, &old.ObjectMeta)
	errs = append(errs, controllerRevision(r)...)
	return append(errs, immutable(field.NewPath("data"), r.Data, old.Data)...)
}
