package validation

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	resourcehelper "k8s.io/component-helpers/resource"
)

// checkPodResources checks resources of the pod as a whole (KEP-2837), and
// what running it costs besides its containers (KEP-688).
func (s podScope) checkPodResources(p *field.Path) field.ErrorList {
	errs := checkQuantities(s.spec.Overhead, p.Child("overhead"), checkContainerResourceName)
	r := s.spec.Resources
	if r == nil {
		return errs
	}
	root := p
	p = p.Child("resources")
	if len(r.Claims) > 0 {
		errs = append(errs, field.Forbidden(p.Child("claims"), "claims cannot be set for Resources at pod-level"))
	}
	errs = append(errs, checkQuantities(r.Limits, p.Child("limits"), checkPodResourceName)...)
	errs = append(errs, checkQuantities(r.Requests, p.Child("requests"), checkPodResourceName)...)
	for _, name := range resourceNames(r.Requests) {
		errs = append(errs, checkRequest(name, r, p)...)
	}
	errs = append(errs, s.checkContainersWithinRequests(p.Child("requests"))...)
	errs = append(errs, checkContainersWithinLimits(s.spec.Containers, r.Limits, root.Child("containers"))...)
	return append(errs, checkContainersWithinLimits(s.spec.InitContainers, r.Limits, root.Child("initContainers"))...)
}

// checkContainersWithinRequests wants the pod to request at least what its
// containers do together.
func (s podScope) checkContainersWithinRequests(p *field.Path) field.ErrorList {
	var errs field.ErrorList
	together := resourcehelper.AggregateContainerRequests(&corev1.Pod{Spec: *s.spec}, resourcehelper.PodResourcesOptions{})
	for _, name := range resourceNames(s.spec.Resources.Requests) {
		whole, parts := s.spec.Resources.Requests[name], together[name]
		if whole.Cmp(parts) < 0 {
			errs = append(errs, field.Invalid(p.Key(string(name)), whole.String(),
				fmt.Sprintf("must be greater than or equal to aggregate container requests of %s", parts.String())))
		}
	}
	return errs
}

// checkContainersWithinLimits wants no container to be allowed more than the
// pod is.
func checkContainersWithinLimits(containers []corev1.Container, limits corev1.ResourceList, p *field.Path) field.ErrorList {
	var errs field.ErrorList
	for i := range containers {
		for _, name := range resourceNames(containers[i].Resources.Limits) {
			part := containers[i].Resources.Limits[name]
			if whole, ok := limits[name]; ok && part.Cmp(whole) > 0 {
				errs = append(errs, field.Invalid(p.Index(i).Child("resources", "limits").Key(string(name)), part.String(),
					fmt.Sprintf("must be less than or equal to pod limits of %s", whole.String())))
			}
		}
	}
	return errs
}

func checkPodResourceName(name corev1.ResourceName, p *field.Path) field.ErrorList {
	if isHugePages(name) {
		return nil
	}
	return oneOf(p, name, corev1.ResourceCPU, corev1.ResourceMemory)
}
