package validation

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/util/diff"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// podUpdate checks a change to a pod. What runs cannot become something
// else, so a few fields may change, in one direction most of them.
func podUpdate(pod, old *corev1.Pod) field.ErrorList {
	errs := metadataUpdate(&pod.ObjectMeta, &old.ObjectMeta)
	errs = append(errs, podObject(pod)...)
	p := field.NewPath("spec")
	if len(pod.Spec.Containers) != len(old.Spec.Containers) {
		return append(errs, field.Forbidden(p.Child("containers"), "pod updates may not add or remove containers"))
	}
	if len(pod.Spec.InitContainers) != len(old.Spec.InitContainers) {
		return append(errs, field.Forbidden(p.Child("initContainers"), "pod updates may not add or remove containers"))
	}
	errs = append(errs, deadlineUpdate(pod.Spec.ActiveDeadlineSeconds, old.Spec.ActiveDeadlineSeconds, p.Child("activeDeadlineSeconds"))...)
	errs = append(errs, tolerationsUpdate(pod.Spec.Tolerations, old.Spec.Tolerations, p.Child("tolerations"))...)
	errs = append(errs, gatesUpdate(pod.Spec.SchedulingGates, old.Spec.SchedulingGates, p.Child("schedulingGates"))...)
	return append(errs, otherFieldsUpdate(pod, old, p)...)
}

// deadlineUpdate lets a deadline be set, or brought nearer.
func deadlineUpdate(now, was *int64, p *field.Path) field.ErrorList {
	switch {
	case was == nil:
		return nil
	case now == nil:
		return field.ErrorList{field.Invalid(p, now, "must not update from a positive integer to nil value")}
	case *now > *was:
		return field.ErrorList{field.Invalid(p, *now, "must be less than or equal to previous value")}
	}
	return nil
}

// tolerationsUpdate lets tolerations be added, and the time of those that are
// there be changed.
func tolerationsUpdate(now, was []corev1.Toleration, p *field.Path) field.ErrorList {
	for i := range was {
		kept := false
		for j := range now {
			kept = kept || was[i].MatchToleration(&now[j])
		}
		if !kept {
			return field.ErrorList{field.Forbidden(p, "existing toleration can not be modified except its tolerationSeconds")}
		}
	}
	return nil
}

// gatesUpdate lets scheduling gates be taken away.
func gatesUpdate(now, was []corev1.PodSchedulingGate, p *field.Path) field.ErrorList {
	had := map[string]bool{}
	for _, gate := range was {
		had[gate.Name] = true
	}
	var errs field.ErrorList
	for i, gate := range now {
		if !had[gate.Name] {
			errs = append(errs, field.Forbidden(p.Index(i).Child("name"), fmt.Sprintf("only deletion is allowed, but found new scheduling gate '%s'", gate.Name)))
		}
	}
	return errs
}

// otherFieldsUpdate compares what remains when the fields that may change are
// set back.
func otherFieldsUpdate(pod, old *corev1.Pod, p *field.Path) field.ErrorList {
	spec := pod.Spec.DeepCopy()
	for i := range spec.Containers {
		spec.Containers[i].Image = old.Spec.Containers[i].Image
	}
	for i := range spec.InitContainers {
		spec.InitContainers[i].Image = old.Spec.InitContainers[i].Image
	}
	spec.ActiveDeadlineSeconds = old.Spec.ActiveDeadlineSeconds
	spec.Tolerations = old.Spec.Tolerations
	spec.SchedulingGates = old.Spec.SchedulingGates
	spec.DeprecatedServiceAccount = old.Spec.DeprecatedServiceAccount
	if was := old.Spec.TerminationGracePeriodSeconds; was != nil && *was < 0 &&
		spec.TerminationGracePeriodSeconds != nil && *spec.TerminationGracePeriodSeconds == 1 {
		spec.TerminationGracePeriodSeconds = was
	}
	if len(old.Spec.SchedulingGates) > 0 { // not yet scheduled: the choice of nodes may be narrowed
		spec.NodeSelector = narrowed(spec.NodeSelector, old.Spec.NodeSelector)
	}
	if equality.Semantic.DeepEqual(*spec, old.Spec) {
		return nil
	}
	return field.ErrorList{field.Forbidden(p, fmt.Sprintf("pod updates may not change fields other than %s\n%v",
		strings.Join(changeableFields(), ","), diff.Diff(old.Spec, *spec)))}
}

func changeableFields() []string {
	return []string{
		"`spec.containers[*].image`",
		"`spec.initContainers[*].image`",
		"`spec.activeDeadlineSeconds`",
		"`spec.tolerations` (only additions to existing tolerations)",
		"`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
	}
}

// narrowed returns was if now says all that was does, and more; else now.
func narrowed(now, was map[string]string) map[string]string {
	for key, value := range was {
		if v, ok := now[key]; !ok || v != value {
			return now
		}
	}
	return was
}
