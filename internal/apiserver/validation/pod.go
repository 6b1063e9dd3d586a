package validation

import (
	corev1 "k8s.io/api/core/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// pod checks a new pod.
func pod(pod *corev1.Pod) field.ErrorList {
	errs := podObject(pod)
	p := field.NewPath("spec")
	if len(pod.Spec.EphemeralContainers) > 0 {
		errs = append(errs, field.Forbidden(p.Child("ephemeralContainers"), "cannot be set on create"))
	}
	if len(pod.Spec.SchedulingGates) > 0 && pod.Spec.NodeName != "" {
		errs = append(errs, field.Forbidden(p.Child("nodeName"), "cannot be set until all schedulingGates have been cleared"))
	}
	return errs
}

// podObject checks a pod as it stands, new or changed.
func podObject(pod *corev1.Pod) field.ErrorList {
	errs := metadata(&pod.ObjectMeta, namespaced, subdomainName)
	errs = append(errs, podAnnotations(pod)...)
	return append(errs, podSpec(&pod.Spec, &pod.ObjectMeta, false, field.NewPath("spec"))...)
}

// podTemplate checks the template that a controller makes pods from.
func podTemplate(t *corev1.PodTemplateSpec, p *field.Path) field.ErrorList {
	errs := labelMap(p.Child("metadata", "labels"), t.Labels)
	errs = append(errs, apivalidation.ValidateAnnotations(t.Annotations, p.Child("metadata", "annotations"))...)
	errs = append(errs, podSpec(&t.Spec, &t.ObjectMeta, true, p.Child("spec"))...)
	if len(t.Spec.EphemeralContainers) > 0 {
		errs = append(errs, field.Forbidden(p.Child("spec", "ephemeralContainers"), "ephemeral containers not allowed in pod template"))
	}
	return errs
}

// podScope is what the rules of a pod's parts must know of the whole.
type podScope struct {
	spec *corev1.PodSpec
	// labels are the pod's own.
	labels map[string]string
	// template tells that this is the template of a pod, which is not held
	// to all that a pod is.
	template bool
	// volumes are the sources of the pod's volumes, by name.
	volumes map[string]*corev1.VolumeSource
	// claims are the names of the pod's resource claims.
	claims map[string]bool
}

func podSpec(spec *corev1.PodSpec, meta *metav1.ObjectMeta, template bool, p *field.Path) field.ErrorList {
	volumes, errs := checkVolumes(spec.Volumes, p.Child("volumes"))
	claims, bad := checkPodClaims(spec.ResourceClaims, p.Child("resourceClaims"))
	errs = append(errs, bad...)
	s := podScope{spec: spec, labels: meta.Labels, template: template, volumes: volumes, claims: claims}
	errs = append(errs, s.checkContainers(p)...)
	errs = append(errs, s.checkLife(p)...)
	errs = append(errs, s.checkIdentity(p)...)
	errs = append(errs, s.checkHostSharing(p)...)
	errs = append(errs, s.checkPodSecurity(p.Child("securityContext"))...)
	errs = append(errs, s.checkNames(p)...)
	errs = append(errs, s.checkPlacement(p)...)
	errs = append(errs, s.checkPodResources(p)...)
	return append(errs, s.checkOS(p)...)
}
