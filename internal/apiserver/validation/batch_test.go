package validation_test

import (
	"strings"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/ptr"

	"github.com/causeway-access/causeway/internal/apiserver/validation"
)

func batch(resource string) schema.GroupResource {
	return schema.GroupResource{Group: batchv1.GroupName, Resource: resource}
}

const jobManifest = `
apiVersion: batch/v1
kind: Job
metadata: {name: pi, namespace: default, uid: u1}
spec:
  selector: {matchLabels: {batch.kubernetes.io/controller-uid: u1}}
  template:
    metadata: {labels: {batch.kubernetes.io/controller-uid: u1, controller-uid: u1, batch.kubernetes.io/job-name: pi, job-name: pi}}
    spec: {restartPolicy: Never, containers: [{name: pi, image: "pi:1"}]}
`

func indexed(n int32) func(*batchv1.Job) {
	return func(j *batchv1.Job) {
		j.Spec.CompletionMode, j.Spec.Completions = ptr.To(batchv1.IndexedCompletion), ptr.To(n)
	}
}

func TestJob(t *testing.T) {
	template := "spec.template.spec."
	creations(t, batch("jobs"), jobManifest, []change[*batchv1.Job]{
		{"as it is", func(*batchv1.Job) {}, nil},
		{"name", func(j *batchv1.Job) { j.Name = "A" },
			[]string{invalid + " metadata.name", invalid + " spec.template.metadata.labels[batch.kubernetes.io/job-name]", invalid + " spec.template.metadata.labels[job-name]"}},
		{"no selector", func(j *batchv1.Job) { j.Spec.Selector = nil }, []string{required + " spec.selector"}},
		{"pods of another", func(j *batchv1.Job) { j.Spec.Template.Labels[batchv1.ControllerUidLabel] = "u2" },
			[]string{invalid + " spec.template.metadata.labels", invalid + " spec.template.metadata.labels[batch.kubernetes.io/controller-uid]"}},
		{"selector by hand", func(j *batchv1.Job) {
			j.Spec.ManualSelector, j.Spec.Selector = ptr.To(true), &metav1.LabelSelector{MatchLabels: map[string]string{"a": "b"}}
			j.Spec.Template.Labels = map[string]string{"a": "b"}
		}, nil},
		{"numbers below zero", func(j *batchv1.Job) {
			j.Spec.Parallelism, j.Spec.Completions, j.Spec.BackoffLimit = ptr.To(int32(-1)), ptr.To(int32(-1)), ptr.To(int32(-1))
			j.Spec.TTLSecondsAfterFinished, j.Spec.ActiveDeadlineSeconds = ptr.To(int32(-1)), ptr.To(int64(-1))
		}, []string{invalid + " spec.activeDeadlineSeconds", invalid + " spec.backoffLimit", invalid + " spec.completions",
			invalid + " spec.parallelism", invalid + " spec.ttlSecondsAfterFinished"}},
		{"pods that never end", func(j *batchv1.Job) { j.Spec.Template.Spec.RestartPolicy = corev1.RestartPolicyAlways }, []string{unsupported + " " + template + "restartPolicy"}},
		{"no image", func(j *batchv1.Job) { j.Spec.Template.Spec.Containers[0].Image = "" }, []string{required + " " + template + "containers[0].image"}},
		{"policies that are not worked", func(j *batchv1.Job) {
			j.Spec.PodFailurePolicy, j.Spec.SuccessPolicy = &batchv1.PodFailurePolicy{}, &batchv1.SuccessPolicy{}
			j.Spec.BackoffLimitPerIndex, j.Spec.MaxFailedIndexes = ptr.To(int32(1)), ptr.To(int32(1))
		}, []string{forbidden + " spec.backoffLimitPerIndex", forbidden + " spec.maxFailedIndexes", forbidden + " spec.podFailurePolicy", forbidden + " spec.successPolicy"}},
		{"words", func(j *batchv1.Job) {
			j.Spec.CompletionMode, j.Spec.PodReplacementPolicy = ptr.To(batchv1.CompletionMode("Best")), ptr.To(batchv1.PodReplacementPolicy("Soon"))
		}, []string{unsupported + " spec.completionMode", unsupported + " spec.podReplacementPolicy"}},
		{"managed by nobody", func(j *batchv1.Job) { j.Spec.ManagedBy = ptr.To("a b") }, []string{invalid + " spec.managedBy"}},
		{"indexed", indexed(9), nil},
		{"indexes without a number", func(j *batchv1.Job) { indexed(1)(j); j.Spec.Completions = nil }, []string{required + " spec.completions"}},
		{"too many indexes at once", func(j *batchv1.Job) { indexed(1)(j); j.Spec.Parallelism = ptr.To(int32(100_001)) }, []string{invalid + " spec.parallelism"}},
		{"indexes that make no host name", func(j *batchv1.Job) {
			indexed(1000)(j)
			j.Name = strings.Repeat("a", 60)
			for _, label := range []string{batchv1.JobNameLabel, "job-name"} {
				j.Spec.Template.Labels[label] = j.Name
			}
		}, []string{invalid + " metadata.name"}},
	})
}

func TestJobUpdate(t *testing.T) {
	rules := validation.For(batch("jobs"))
	old := stored[*batchv1.Job](t, jobManifest)
	move := func(j *batchv1.Job) { j.Spec.Template.Spec.NodeSelector = map[string]string{"disk": "ssd"} }
	updates(t, rules.Update, old, []change[*batchv1.Job]{
		{"parallelism", func(j *batchv1.Job) { j.Spec.Parallelism = ptr.To(int32(3)) }, nil},
		{"suspend", func(j *batchv1.Job) { j.Spec.Suspend = ptr.To(true) }, nil},
		{"completions", func(j *batchv1.Job) { j.Spec.Completions = ptr.To(int32(3)) }, []string{invalid + " spec.completions"}},
		{"image", func(j *batchv1.Job) { j.Spec.Template.Spec.Containers[0].Image = "pi:2" }, []string{invalid + " spec.template"}},
		{"nodes of pods that may be there", move, []string{invalid + " spec.template"}},
		{"selector", func(j *batchv1.Job) { j.Spec.Selector.MatchLabels["a"] = "b" }, []string{invalid + " spec.selector"}},
	})
	old.Spec.Suspend = ptr.To(true)
	updates(t, rules.Update, old, []change[*batchv1.Job]{
		{"nodes of pods to come", move, nil},
		{"image of pods to come", func(j *batchv1.Job) { j.Spec.Template.Spec.Containers[0].Image = "pi:2" }, []string{invalid + " spec.template"}},
	})
	indexed(3)(old)
	updates(t, rules.Update, old, []change[*batchv1.Job]{
		{"more indexes, all at once", func(j *batchv1.Job) { j.Spec.Completions, j.Spec.Parallelism = ptr.To(int32(5)), ptr.To(int32(5)) }, nil},
		{"more indexes in turn", func(j *batchv1.Job) { j.Spec.Completions = ptr.To(int32(5)) }, []string{invalid + " spec.completions"}},
		{"no indexes any more", func(j *batchv1.Job) { j.Spec.CompletionMode = ptr.To(batchv1.NonIndexedCompletion) }, []string{invalid + " spec.completionMode"}},
	})
	old.Status.Conditions = []batchv1.JobCondition{{Type: batchv1.JobComplete, Status: corev1.ConditionTrue}}
	updates(t, rules.Status, old, []change[*batchv1.Job]{
		{"as it is", func(*batchv1.Job) {}, nil},
		{"below zero", func(j *batchv1.Job) { j.Status.Failed = -1 }, []string{invalid + " status.failed"}},
		{"not complete any more", func(j *batchv1.Job) { j.Status.Conditions = nil }, []string{invalid + " status.conditions"}},
	})
}
