package resources

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
)

// absence is how long a pod stays bound to a node that does not answer, unless
// it says otherwise: what Kubernetes' admission plugin DefaultTolerationSeconds
// gives every pod.
const absence = int64(300)

// tolerateAbsence lets a pod stay for a while on a node that is not ready or
// cannot be reached, so that a short break does not move it.
func tolerateAbsence(p *corev1.Pod) {
	for _, key := range []string{corev1.TaintNodeNotReady, corev1.TaintNodeUnreachable} {
		if !mentions(p.Spec.Tolerations, key) {
			p.Spec.Tolerations = append(p.Spec.Tolerations, corev1.Toleration{
				Key: key, Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoExecute, TolerationSeconds: ptr.To(absence),
			})
		}
	}
}

// mentions reports that the pod's author has said something about the taint.
func mentions(tolerations []corev1.Toleration, key string) bool {
	for _, t := range tolerations {
		if (t.Key == key || t.Key == "") && (t.Effect == corev1.TaintEffectNoExecute || t.Effect == "") {
			return true
		}
	}
	return false
}
