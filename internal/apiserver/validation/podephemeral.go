package validation

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/util/diff"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// checkEphemeralContainers checks containers added for a look into a running
// pod. They have no ports, no promises and no resources of their own.
func (s podScope) checkEphemeralContainers(p *field.Path, names map[string]bool) field.ErrorList {
	var errs field.ErrorList
	for i := range s.spec.EphemeralContainers {
		e, at := &s.spec.EphemeralContainers[i], p.Index(i)
		c := corev1.Container(e.EphemeralContainerCommon)
		errs = append(errs, unique(at.Child("name"), c.Name, names)...)
		errs = append(errs, checkEphemeralFields(&c, at)...)
		// What is forbidden need not be right as well.
		c.Ports, c.Resources, c.ResizePolicy = nil, corev1.ResourceRequirements{}, nil
		errs = append(errs, s.checkContainer(&c, at)...)
		for j, m := range c.VolumeMounts {
			mount := at.Child("volumeMounts").Index(j)
			errs = append(errs, forbidEphemeral(m.SubPath != "", mount.Child("subPath"))...)
			errs = append(errs, forbidEphemeral(m.SubPathExpr != "", mount.Child("subPathExpr"))...)
		}
		if e.TargetContainerName != "" && !s.hasContainer(e.TargetContainerName) {
			errs = append(errs, field.NotFound(at.Child("targetContainerName"), e.TargetContainerName))
		}
	}
	return errs
}

func (s podScope) hasContainer(name string) bool {
	is := func(c corev1.Container) bool { return c.Name == name }
	return slices.ContainsFunc(s.spec.Containers, is) || slices.ContainsFunc(s.spec.InitContainers, is)
}

func checkEphemeralFields(c *corev1.Container, p *field.Path) field.ErrorList {
	errs := forbidEphemeral(len(c.Ports) > 0, p.Child("ports"))
	errs = append(errs, forbidEphemeral(!equality.Semantic.DeepEqual(c.Resources, corev1.ResourceRequirements{}), p.Child("resources"))...)
	errs = append(errs, forbidEphemeral(len(c.ResizePolicy) > 0, p.Child("resizePolicy"))...)
	errs = append(errs, forbidEphemeral(c.RestartPolicy != nil, p.Child("restartPolicy"))...)
	errs = append(errs, forbidEphemeral(len(c.RestartPolicyRules) > 0, p.Child("restartPolicyRules"))...)
	errs = append(errs, forbidEphemeral(c.LivenessProbe != nil, p.Child("livenessProbe"))...)
	errs = append(errs, forbidEphemeral(c.ReadinessProbe != nil, p.Child("readinessProbe"))...)
	errs = append(errs, forbidEphemeral(c.StartupProbe != nil, p.Child("startupProbe"))...)
	return append(errs, forbidEphemeral(c.Lifecycle != nil, p.Child("lifecycle"))...)
}

func forbidEphemeral(set bool, p *field.Path) field.ErrorList {
	if set {
		return field.ErrorList{field.Forbidden(p, "cannot be set for an Ephemeral Container")}
	}
	return nil
}

// ephemeralContainersUpdate checks a write to the ephemeralcontainers
// subresource, which adds containers and does nothing else.
func ephemeralContainersUpdate(pod, old *corev1.Pod) field.ErrorList {
	errs := metadataUpdate(&pod.ObjectMeta, &old.ObjectMeta)
	errs = append(errs, podObject(pod)...)
	p := field.NewPath("spec", "ephemeralContainers")
	if _, static := pod.Annotations[corev1.MirrorPodAnnotationKey]; static {
		return append(errs, field.Forbidden(field.NewPath(""), "static pods do not support ephemeral containers"))
	}
	now := map[string]*corev1.EphemeralContainer{}
	for i := range pod.Spec.EphemeralContainers {
		now[pod.Spec.EphemeralContainers[i].Name] = &pod.Spec.EphemeralContainers[i]
	}
	for i := range old.Spec.EphemeralContainers {
		was := &old.Spec.EphemeralContainers[i]
		is, ok := now[was.Name]
		switch {
		case !ok:
			errs = append(errs, field.Forbidden(p, fmt.Sprintf("existing ephemeral containers %q may not be removed\n", was.Name)))
		case !equality.Semantic.DeepEqual(was, is):
			errs = append(errs, field.Forbidden(p, fmt.Sprintf("existing ephemeral containers %q may not be changed\n%v", was.Name, diff.Diff(was, is))))
		}
	}
	return errs
}
