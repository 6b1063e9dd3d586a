package batch

import (
	"maps"

	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/utils/ptr"
)

// What a job does when its author says nothing.
const (
	pods         = int32(1)
	backoffLimit = int32(6)
)

// SetDefaults_Job takes labels from the template, and asks for one pod that is
// tried six times again.
func SetDefaults_Job(obj *batchv1.Job) {
	if len(obj.Labels) == 0 {
		obj.Labels = maps.Clone(obj.Spec.Template.Labels)
	}
	if obj.Spec.Parallelism == nil && obj.Spec.Completions == nil {
		obj.Spec.Completions = ptr.To(pods)
	}
	set(&obj.Spec.Parallelism, pods)
	set(&obj.Spec.BackoffLimit, backoffLimit)
	set(&obj.Spec.CompletionMode, batchv1.NonIndexedCompletion)
	set(&obj.Spec.Suspend, false)
	set(&obj.Spec.ManualSelector, false)
	set(&obj.Spec.PodReplacementPolicy, batchv1.TerminatingOrFailed)
}

// set gives *field a value if it has none.
func set[T any](field **T, value T) {
	if *field == nil {
		*field = ptr.To(value)
	}
}
