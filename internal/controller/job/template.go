package job

import (
	"slices"
	"strconv"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// indexVariable tells a container which index its pod has.
const indexVariable = "JOB_COMPLETION_INDEX"

// newPod is a pod of the job, the i-th of indexes if it has indexes.
func (l *look) newPod(indexes []int, i int) *corev1.Pod {
	template := l.Spec.Template.DeepCopy()
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			GenerateName: l.Name + "-", Labels: template.Labels, Annotations: template.Annotations,
			Finalizers: append(slices.Clone(template.Finalizers), batchv1.JobTrackingFinalizer),
		},
		Spec: template.Spec,
	}
	if len(indexes) == 0 {
		return pod
	}
	index := strconv.Itoa(indexes[i])
	pod.GenerateName = l.Name + "-" + index + "-"
	metav1.SetMetaDataAnnotation(&pod.ObjectMeta, batchv1.JobCompletionIndexAnnotation, index)
	metav1.SetMetaDataLabel(&pod.ObjectMeta, batchv1.JobCompletionIndexAnnotation, index)
	if pod.Spec.Hostname == "" {
		pod.Spec.Hostname = l.Name + "-" + index
	}
	for _, containers := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for c := range containers {
			tellIndex(&containers[c])
		}
	}
	return pod
}

func tellIndex(c *corev1.Container) {
	if slices.ContainsFunc(c.Env, func(v corev1.EnvVar) bool { return v.Name == indexVariable }) {
		return
	}
	c.Env = append(c.Env, corev1.EnvVar{Name: indexVariable, ValueFrom: &corev1.EnvVarSource{
		FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: "metadata.labels['" + batchv1.JobCompletionIndexAnnotation + "']"},
	}})
}
