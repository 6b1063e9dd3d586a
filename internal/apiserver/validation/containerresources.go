package validation

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// checkResources checks what a container asks for and may have.
func checkResources(r *corev1.ResourceRequirements, p *field.Path) field.ErrorList {
	errs := checkQuantities(r.Limits, p.Child("limits"), checkContainerResourceName)
	errs = append(errs, checkQuantities(r.Requests, p.Child("requests"), checkContainerResourceName)...)
	for _, name := range resourceNames(r.Requests) {
		errs = append(errs, checkRequest(name, r, p)...)
	}
	return append(errs, checkHugePages(r, p)...)
}

// checkQuantities checks names and amounts of a list of resources.
func checkQuantities(list corev1.ResourceList, p *field.Path, checkName func(corev1.ResourceName, *field.Path) field.ErrorList) field.ErrorList {
	var errs field.ErrorList
	for _, name := range resourceNames(list) {
		at := p.Key(string(name))
		errs = append(errs, checkName(name, at)...)
		errs = append(errs, checkQuantity(name, list[name], at)...)
	}
	return errs
}

func checkQuantity(name corev1.ResourceName, q resource.Quantity, p *field.Path) field.ErrorList {
	if q.Sign() < 0 {
		return field.ErrorList{field.Invalid(p, q.String(), "must be greater than or equal to 0")}
	}
	if !overcommits(name) && q.MilliValue()%1000 != 0 {
		return field.ErrorList{field.Invalid(p, q.String(), "must be an integer")}
	}
	return nil
}

// checkRequest compares a request with its limit. What cannot be promised
// twice must be requested as it is limited.
func checkRequest(name corev1.ResourceName, r *corev1.ResourceRequirements, p *field.Path) field.ErrorList {
	request := r.Requests[name]
	limit, limited := r.Limits[name]
	switch {
	case !limited && !overcommits(name):
		return field.ErrorList{field.Required(p.Child("limits"), "Limit must be set for non overcommitable resources")}
	case !limited:
		return nil
	case !overcommits(name) && request.Cmp(limit) != 0:
		return field.ErrorList{field.Invalid(p.Child("requests"), request.String(), fmt.Sprintf("must be equal to %s limit of %s", name, limit.String()))}
	case request.Cmp(limit) > 0:
		return field.ErrorList{field.Invalid(p.Child("requests"), request.String(), fmt.Sprintf("must be less than or equal to %s limit of %s", name, limit.String()))}
	}
	return nil
}

// checkHugePages wants huge pages to come with memory or CPU of the usual
// kind, without which no container runs.
func checkHugePages(r *corev1.ResourceRequirements, p *field.Path) field.ErrorList {
	huge, usual := false, false
	for _, list := range []corev1.ResourceList{r.Limits, r.Requests} {
		for name := range list {
			huge = huge || isHugePages(name)
			usual = usual || name == corev1.ResourceCPU || name == corev1.ResourceMemory
		}
	}
	if huge && !usual {
		return field.ErrorList{field.Forbidden(p, "HugePages require cpu or memory")}
	}
	return nil
}

// checkContainerResourceName accepts the resources every container may ask
// for, and extended resources, which have a domain.
func checkContainerResourceName(name corev1.ResourceName, p *field.Path) field.ErrorList {
	errs := invalidIf(p, name, validation.IsQualifiedName(string(name)))
	switch {
	case len(errs) > 0:
		return errs
	case !strings.Contains(string(name), "/"):
		if !isStandardResource(name) {
			return field.ErrorList{field.Invalid(p, name, "must be a standard resource for containers")}
		}
	case strings.Contains(string(name), corev1.ResourceDefaultNamespacePrefix), strings.HasPrefix(string(name), corev1.DefaultResourceRequestsPrefix):
		return field.ErrorList{field.Invalid(p, name, "doesn't follow extended resource name standard")}
	}
	return nil
}

// overcommits tells the resources that several may be promised at once.
func overcommits(name corev1.ResourceName) bool {
	return !strings.Contains(string(name), "/") && !isHugePages(name)
}

func isStandardResource(name corev1.ResourceName) bool {
	return name == corev1.ResourceCPU || name == corev1.ResourceMemory || name == corev1.ResourceEphemeralStorage || isHugePages(name)
}

func isHugePages(name corev1.ResourceName) bool {
	return strings.HasPrefix(string(name), corev1.ResourceHugePagesPrefix)
}

// resourceNames sorts the names, so that errors come in one order.
func resourceNames(list corev1.ResourceList) []corev1.ResourceName {
	return slices.Sorted(maps.Keys(list))
}

// checkResourceFieldRef checks a reference to what a container asks for. The
// value handed on is the quantity divided by the divisor.
func checkResourceFieldRef(ref *corev1.ResourceFieldSelector, p *field.Path) field.ErrorList {
	if ref.Resource == "" {
		return field.ErrorList{field.Required(p.Child("resource"), "")}
	}
	supported := []string{
		"limits.cpu", "limits.ephemeral-storage", "limits.memory",
		"requests.cpu", "requests.ephemeral-storage", "requests.memory",
	}
	kind, name, _ := strings.Cut(ref.Resource, ".")
	hugePages := isHugePages(corev1.ResourceName(name)) && (kind == "limits" || kind == "requests")
	if !hugePages && !slices.Contains(supported, ref.Resource) {
		return field.ErrorList{field.NotSupported(p.Child("resource"), ref.Resource, supported)}
	}
	return checkDivisor(name, ref.Divisor, p.Child("divisor"))
}

func checkDivisor(name string, divisor resource.Quantity, p *field.Path) field.ErrorList {
	if divisor.IsZero() {
		return nil
	}
	allowed := []string{"1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"}
	if name == "cpu" {
		allowed = []string{"1m", "1"}
	}
	if slices.Contains(allowed, divisor.String()) {
		return nil
	}
	kind := name
	if isHugePages(corev1.ResourceName(name)) {
		kind = "hugepages"
	}
	return field.ErrorList{field.Invalid(p, divisor.String(),
		fmt.Sprintf("only divisor's values %s are supported with the %s resource", strings.Join(allowed, ", "), kind))}
}
