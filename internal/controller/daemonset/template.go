package daemonset

import (
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// nodeNameField is the field that an affinity to one node selects by.
const nodeNameField = "metadata.name"

// newPod is the pod for a node.
func (l *look) newPod(node string) *corev1.Pod {
	template := l.Spec.Template.DeepCopy()
	metav1.SetMetaDataLabel(&template.ObjectMeta, appsv1.DefaultDaemonSetUniqueLabelKey, l.hash)
	template.Spec.Tolerations = tolerationsOf(&template.Spec)
	bindTo(&template.Spec, node)
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			GenerateName: l.Name + "-", Labels: template.Labels, Annotations: template.Annotations, Finalizers: template.Finalizers,
		},
		Spec: template.Spec,
	}
}

// tolerationsOf adds to a template's tolerations those that the pods of daemon
// sets have in Kubernetes: a node in need is no reason to be without them.
func tolerationsOf(spec *corev1.PodSpec) []corev1.Toleration {
	tolerations := slices.Clone(spec.Tolerations)
	add := func(key string, effect corev1.TaintEffect) {
		toleration := corev1.Toleration{Key: key, Operator: corev1.TolerationOpExists, Effect: effect}
		tolerations = slices.DeleteFunc(tolerations, func(t corev1.Toleration) bool { return t.MatchToleration(&toleration) })
		tolerations = append(tolerations, toleration)
	}
	add(corev1.TaintNodeNotReady, corev1.TaintEffectNoExecute)
	add(corev1.TaintNodeUnreachable, corev1.TaintEffectNoExecute)
	add(corev1.TaintNodeDiskPressure, corev1.TaintEffectNoSchedule)
	add(corev1.TaintNodeMemoryPressure, corev1.TaintEffectNoSchedule)
	add(corev1.TaintNodePIDPressure, corev1.TaintEffectNoSchedule)
	add(corev1.TaintNodeUnschedulable, corev1.TaintEffectNoSchedule)
	if spec.HostNetwork {
		add(corev1.TaintNodeNetworkUnavailable, corev1.TaintEffectNoSchedule)
	}
	return tolerations
}

// bindTo has the scheduler choose one node. What the template requires of nodes
// is replaced: that it is met has been seen.
func bindTo(spec *corev1.PodSpec, node string) {
	if spec.Affinity == nil {
		spec.Affinity = &corev1.Affinity{}
	}
	if spec.Affinity.NodeAffinity == nil {
		spec.Affinity.NodeAffinity = &corev1.NodeAffinity{}
	}
	spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution = &corev1.NodeSelector{
		NodeSelectorTerms: []corev1.NodeSelectorTerm{{MatchFields: []corev1.NodeSelectorRequirement{{
			Key: nodeNameField, Operator: corev1.NodeSelectorOpIn, Values: []string{node},
		}}}},
	}
}
