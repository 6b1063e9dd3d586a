package validation

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// checkContainers checks the containers of a pod, init containers first in
// names, since all share one namespace of names.
func (s podScope) checkContainers(p *field.Path) field.ErrorList {
	var errs field.ErrorList
	names, taken := map[string]bool{}, map[string]bool{}
	if len(s.spec.Containers) == 0 {
		errs = append(errs, field.Required(p.Child("containers"), ""))
	}
	for i := range s.spec.Containers {
		c, at := &s.spec.Containers[i], p.Child("containers").Index(i)
		errs = append(errs, unique(at.Child("name"), c.Name, names)...)
		errs = append(errs, s.checkContainer(c, at)...)
		errs = append(errs, s.checkRegular(c, at)...)
		errs = append(errs, checkHostPorts(c.Ports, taken, at.Child("ports"))...)
	}
	for i := range s.spec.InitContainers {
		c, at := &s.spec.InitContainers[i], p.Child("initContainers").Index(i)
		errs = append(errs, unique(at.Child("name"), c.Name, names)...)
		errs = append(errs, s.checkContainer(c, at)...)
		errs = append(errs, s.checkInit(c, at)...)
		errs = append(errs, checkHostPorts(c.Ports, map[string]bool{}, at.Child("ports"))...) // alone, since it ends before the next begins
	}
	return append(errs, s.checkEphemeralContainers(p.Child("ephemeralContainers"), names)...)
}

// checkContainer checks what containers of every sort have in common.
func (s podScope) checkContainer(c *corev1.Container, p *field.Path) field.ErrorList {
	errs := named(p.Child("name"), c.Name, validation.IsDNS1123Label)
	errs = append(errs, s.checkImage(c.Image, p.Child("image"))...)
	errs = append(errs, oneOf(p.Child("imagePullPolicy"), c.ImagePullPolicy,
		corev1.PullAlways, corev1.PullIfNotPresent, corev1.PullNever)...)
	errs = append(errs, oneOf(p.Child("terminationMessagePolicy"), c.TerminationMessagePolicy,
		corev1.TerminationMessageReadFile, corev1.TerminationMessageFallbackToLogsOnError)...)
	errs = append(errs, s.checkPorts(c.Ports, p.Child("ports"))...)
	errs = append(errs, s.checkEnv(c.Env, p.Child("env"))...)
	errs = append(errs, checkEnvFrom(c.EnvFrom, p.Child("envFrom"))...)
	errs = append(errs, s.checkVolumeMounts(c, p.Child("volumeMounts"))...)
	errs = append(errs, s.checkVolumeDevices(c, p.Child("volumeDevices"))...)
	errs = append(errs, checkResources(&c.Resources, p.Child("resources"))...)
	errs = append(errs, s.checkClaims(c.Resources.Claims, p.Child("resources", "claims"))...)
	errs = append(errs, checkResizePolicy(c, p.Child("resizePolicy"))...)
	return append(errs, s.checkSecurityContext(c.SecurityContext, p.Child("securityContext"))...)
}

// checkImage requires an image. White space around it was accepted in
// templates once, so only pods themselves are held to that.
func (s podScope) checkImage(image string, p *field.Path) field.ErrorList {
	if image == "" {
		return field.ErrorList{field.Required(p, "")}
	}
	if !s.template && strings.TrimSpace(image) != image {
		return field.ErrorList{field.Invalid(p, image, "must not have leading or trailing whitespace")}
	}
	return nil
}

func (s podScope) checkRegular(c *corev1.Container, p *field.Path) field.ErrorList {
	errs := s.checkLifecycle(c.Lifecycle, p.Child("lifecycle"))
	errs = append(errs, s.checkProbes(c, p)...)
	return append(errs, checkContainerRestart(c, p)...)
}

// checkInit checks an init container. One that restarts always is a side-car
// (KEP-753), and has what other containers have; else it runs to its end and
// nobody watches it.
func (s podScope) checkInit(c *corev1.Container, p *field.Path) field.ErrorList {
	errs := checkContainerRestart(c, p)
	if c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways {
		errs = append(errs, s.checkLifecycle(c.Lifecycle, p.Child("lifecycle"))...)
		return append(errs, s.checkProbes(c, p)...)
	}
	for _, f := range []struct {
		name string
		set  bool
	}{
		{"lifecycle", c.Lifecycle != nil && (c.Lifecycle.PostStart != nil || c.Lifecycle.PreStop != nil)},
		{"livenessProbe", c.LivenessProbe != nil},
		{"readinessProbe", c.ReadinessProbe != nil},
		{"startupProbe", c.StartupProbe != nil},
	} {
		if f.set {
			errs = append(errs, field.Forbidden(p.Child(f.name), "may not be set for init containers without restartPolicy=Always"))
		}
	}
	return errs
}

// checkResizePolicy checks what happens to a container when its resources
// are changed in place (KEP-1287).
func checkResizePolicy(c *corev1.Container, p *field.Path) field.ErrorList {
	var errs field.ErrorList
	seen := map[corev1.ResourceName]bool{}
	for i, policy := range c.ResizePolicy {
		at := p.Index(i)
		errs = append(errs, unique(at, policy.ResourceName, seen)...)
		errs = append(errs, oneOf(at.Child("resourceName"), policy.ResourceName, corev1.ResourceCPU, corev1.ResourceMemory)...)
		errs = append(errs, oneOf(at.Child("restartPolicy"), policy.RestartPolicy, corev1.NotRequired, corev1.RestartContainer)...)
	}
	return errs
}

// checkClaims checks that devices asked for are claimed by the pod.
func (s podScope) checkClaims(claims []corev1.ResourceClaim, p *field.Path) field.ErrorList {
	var errs field.ErrorList
	seen := map[string]bool{}
	for i, claim := range claims {
		at := p.Index(i)
		if claim.Name == "" {
			errs = append(errs, field.Required(at.Child("name"), ""))
			continue
		}
		errs = append(errs, unique(at, claim.Name+"/"+claim.Request, seen)...)
		if !s.claims[claim.Name] {
			errs = append(errs, field.NotFound(at.Child("name"), claim.Name))
		}
		errs = append(errs, namedIfSet(at.Child("request"), claim.Request, validation.IsDNS1123Label)...)
	}
	return errs
}
