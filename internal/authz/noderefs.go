package authz

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// The functions below tell whether a pod refers to an object of its namespace by
// name, anywhere that makes the node need it.

func usesAccount(pod *corev1.Pod, name string) bool {
	return pod.Spec.ServiceAccountName == name
}

func usesClaim(pod *corev1.Pod, name string) bool {
	return slices.ContainsFunc(pod.Spec.Volumes, func(v corev1.Volume) bool {
		if v.Ephemeral != nil { // KEP-1698: the claim is named after both
			return pod.Name+"-"+v.Name == name
		}
		return v.PersistentVolumeClaim != nil && v.PersistentVolumeClaim.ClaimName == name
	})
}

func usesSecret(pod *corev1.Pod, name string) bool {
	if slices.ContainsFunc(pod.Spec.ImagePullSecrets, func(r corev1.LocalObjectReference) bool { return r.Name == name }) {
		return true
	}
	return slices.ContainsFunc(pod.Spec.Volumes, func(v corev1.Volume) bool { return volumeUsesSecret(&v, name) }) ||
		anyContainer(pod, func(env []corev1.EnvVar, from []corev1.EnvFromSource) bool {
			return slices.ContainsFunc(from, func(f corev1.EnvFromSource) bool { return f.SecretRef != nil && f.SecretRef.Name == name }) ||
				slices.ContainsFunc(env, func(e corev1.EnvVar) bool {
					return e.ValueFrom != nil && e.ValueFrom.SecretKeyRef != nil && e.ValueFrom.SecretKeyRef.Name == name
				})
		})
}

func volumeUsesSecret(v *corev1.Volume, name string) bool {
	switch {
	case v.Secret != nil:
		return v.Secret.SecretName == name
	case v.CSI != nil:
		return v.CSI.NodePublishSecretRef != nil && v.CSI.NodePublishSecretRef.Name == name
	case v.Projected != nil:
		return slices.ContainsFunc(v.Projected.Sources, func(s corev1.VolumeProjection) bool {
			return s.Secret != nil && s.Secret.Name == name
		})
	}
	return false
}

func usesConfigMap(pod *corev1.Pod, name string) bool {
	return slices.ContainsFunc(pod.Spec.Volumes, func(v corev1.Volume) bool { return volumeUsesConfigMap(&v, name) }) ||
		anyContainer(pod, func(env []corev1.EnvVar, from []corev1.EnvFromSource) bool {
			return slices.ContainsFunc(from, func(f corev1.EnvFromSource) bool { return f.ConfigMapRef != nil && f.ConfigMapRef.Name == name }) ||
				slices.ContainsFunc(env, func(e corev1.EnvVar) bool {
					return e.ValueFrom != nil && e.ValueFrom.ConfigMapKeyRef != nil && e.ValueFrom.ConfigMapKeyRef.Name == name
				})
		})
}

func volumeUsesConfigMap(v *corev1.Volume, name string) bool {
	switch {
	case v.ConfigMap != nil:
		return v.ConfigMap.Name == name
	case v.Projected != nil:
		return slices.ContainsFunc(v.Projected.Sources, func(s corev1.VolumeProjection) bool {
			return s.ConfigMap != nil && s.ConfigMap.Name == name
		})
	}
	return false
}

// anyContainer looks at what the containers of all three kinds take into their
// environment.
func anyContainer(pod *corev1.Pod, uses func([]corev1.EnvVar, []corev1.EnvFromSource) bool) bool {
	plain := func(c corev1.Container) bool { return uses(c.Env, c.EnvFrom) }
	return slices.ContainsFunc(pod.Spec.Containers, plain) ||
		slices.ContainsFunc(pod.Spec.InitContainers, plain) ||
		slices.ContainsFunc(pod.Spec.EphemeralContainers, func(c corev1.EphemeralContainer) bool { return uses(c.Env, c.EnvFrom) })
}
