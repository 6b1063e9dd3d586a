package printers

import (
	"fmt"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/duration"
)

// jobs shows how a job stands, and how long it took.
func jobs() view {
	return viewOf(columns(
		nameColumn(),
		text("Status", "Status of the job."),
		text("Completions", batchv1.JobStatus{}.SwaggerDoc()["succeeded"]),
		text("Duration", "Time required to complete the job."),
		ageColumn(),
		wide(text("Containers", "Names of each container in the template.")),
		wide(text("Images", "Images referenced by each container in the template.")),
		wide(text("Selector", batchv1.JobSpec{}.SwaggerDoc()["selector"])),
	), func(j *batchv1.Job) []any {
		names, images := containersOf(&j.Spec.Template)
		return []any{
			j.Name, jobState(j), completionsOf(j), durationOf(&j.Status),
			age(j.CreationTimestamp), names, images, metav1.FormatLabelSelector(j.Spec.Selector),
		}
	})
}

// jobState is the word for what the conditions say, the last of a job first.
func jobState(j *batchv1.Job) string {
	for _, state := range []struct {
		condition batchv1.JobConditionType
		word      string
	}{
		{batchv1.JobComplete, "Complete"}, {batchv1.JobFailed, "Failed"}, {batchv1.JobSuspended, "Suspended"},
		{batchv1.JobFailureTarget, "FailureTarget"}, {batchv1.JobSuccessCriteriaMet, "SuccessCriteriaMet"},
	} {
		for _, c := range j.Status.Conditions {
			if c.Type == state.condition && c.Status == corev1.ConditionTrue {
				return state.word
			}
		}
		if state.condition == batchv1.JobFailed && j.DeletionTimestamp != nil {
			return "Terminating"
		}
	}
	return "Running"
}

// completionsOf is how many pods have succeeded of those that must.
func completionsOf(j *batchv1.Job) string {
	switch parallelism := deref(j.Spec.Parallelism); {
	case j.Spec.Completions != nil:
		return fmt.Sprintf("%d/%d", j.Status.Succeeded, *j.Spec.Completions)
	case parallelism > 1:
		return fmt.Sprintf("%d/1 of %d", j.Status.Succeeded, parallelism)
	}
	return fmt.Sprintf("%d/1", j.Status.Succeeded)
}

// durationOf is how long the job took, or has taken until now.
func durationOf(s *batchv1.JobStatus) string {
	switch {
	case s.StartTime == nil:
		return ""
	case s.CompletionTime == nil:
		return duration.HumanDuration(time.Since(s.StartTime.Time))
	}
	return duration.HumanDuration(s.CompletionTime.Sub(s.StartTime.Time))
}
