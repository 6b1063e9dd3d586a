package validation

import (
	"fmt"
	"strconv"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"
)

const (
	// maxIndexedParallelism bounds the pods of an indexed job at one time, which
	// bounds the length of the list of its completed indexes.
	maxIndexedParallelism = 100_000
	maxManagerLength      = 63
)

// job checks a new job.
func job(j *batchv1.Job) field.ErrorList {
	errs := metadata(&j.ObjectMeta, namespaced, subdomainName)
	p := field.NewPath("spec")
	errs = append(errs, jobSpec(&j.Spec, p)...)
	errs = append(errs, jobSelector(j, p)...)
	return append(errs, podNames(j, p)...)
}

// jobSpec checks all of a job but its selector, which a template of jobs lacks.
func jobSpec(spec *batchv1.JobSpec, p *field.Path) field.ErrorList {
	errs := missing(spec, p)
	for _, n := range []struct {
		name  string
		value *int32
	}{
		{"parallelism", spec.Parallelism}, {"completions", spec.Completions},
		{"backoffLimit", spec.BackoffLimit}, {"ttlSecondsAfterFinished", spec.TTLSecondsAfterFinished},
	} {
		errs = append(errs, wantedIfSet(n.value, p.Child(n.name))...)
	}
	if spec.ActiveDeadlineSeconds != nil {
		errs = append(errs, atLeastZero(p.Child("activeDeadlineSeconds"), *spec.ActiveDeadlineSeconds)...)
	}
	errs = append(errs, completionMode(spec, p)...)
	errs = append(errs, oneOfIfSet(p.Child("podReplacementPolicy"), spec.PodReplacementPolicy, batchv1.TerminatingOrFailed, batchv1.Failed)...)
	if by := spec.ManagedBy; by != nil {
		at := p.Child("managedBy")
		errs = append(errs, qualified(at, *by)...)
		if len(*by) > maxManagerLength {
			errs = append(errs, field.TooLong(at, "", maxManagerLength))
		}
	}
	errs = append(errs, podTemplate(&spec.Template, p.Child("template"))...)
	return append(errs, oneOf(p.Child("template", "spec", "restartPolicy"), endingPolicy(spec.Template.Spec.RestartPolicy),
		corev1.RestartPolicyOnFailure, corev1.RestartPolicyNever)...)
}

// endingPolicy is a policy as the rule of jobs sees it: one that is no policy at
// all is refused by the rules of pods.
func endingPolicy(policy corev1.RestartPolicy) corev1.RestartPolicy {
	if policy == corev1.RestartPolicyAlways || policy == "" {
		return policy
	}
	return corev1.RestartPolicyNever
}

// missing refuses what this cluster's controller does not do: to take it and do
// something else would be worse.
func missing(spec *batchv1.JobSpec, p *field.Path) field.ErrorList {
	var errs field.ErrorList
	for _, f := range []struct {
		name string
		set  bool
	}{
		{"podFailurePolicy", spec.PodFailurePolicy != nil}, {"successPolicy", spec.SuccessPolicy != nil},
		{"backoffLimitPerIndex", spec.BackoffLimitPerIndex != nil}, {"maxFailedIndexes", spec.MaxFailedIndexes != nil},
	} {
		if f.set {
			errs = append(errs, field.Forbidden(p.Child(f.name), "is not supported by this cluster"))
		}
	}
	return errs
}

func completionMode(spec *batchv1.JobSpec, p *field.Path) field.ErrorList {
	errs := oneOfIfSet(p.Child("completionMode"), spec.CompletionMode, batchv1.NonIndexedCompletion, batchv1.IndexedCompletion)
	if ptr.Deref(spec.CompletionMode, "") != batchv1.IndexedCompletion {
		return errs
	}
	if spec.Completions == nil {
		errs = append(errs, field.Required(p.Child("completions"), "when completion mode is Indexed"))
	}
	if n := ptr.Deref(spec.Parallelism, 0); n > maxIndexedParallelism {
		errs = append(errs, field.Invalid(p.Child("parallelism"), n,
			fmt.Sprintf("must be less than or equal to %d when completion mode is Indexed", maxIndexedParallelism)))
	}
	return errs
}

// jobSelector checks that the job finds its pods again, and if it was given its
// selector, that no other job does.
func jobSelector(j *batchv1.Job, p *field.Path) field.ErrorList {
	at := p.Child("selector")
	if j.Spec.Selector == nil {
		return field.ErrorList{field.Required(at, "")}
	}
	errs := selector(at, j.Spec.Selector)
	compiled, err := metav1.LabelSelectorAsSelector(j.Spec.Selector)
	if err != nil {
		return errs // told above
	}
	found := p.Child("template", "metadata", "labels")
	if !compiled.Matches(labels.Set(j.Spec.Template.Labels)) {
		errs = append(errs, field.Invalid(found, j.Spec.Template.Labels, "`selector` does not match template `labels`"))
	}
	if ptr.Deref(j.Spec.ManualSelector, false) {
		return errs
	}
	for name, want := range JobLabels(j) {
		if j.Spec.Template.Labels[name] != want {
			errs = append(errs, field.Invalid(found.Key(name), j.Spec.Template.Labels[name], fmt.Sprintf("must be %q", want)))
		}
	}
	return errs
}

// JobLabels are the labels that a job's template gets, by which the job and
// people find its pods.
func JobLabels(j *batchv1.Job) map[string]string {
	return map[string]string{
		batchv1.ControllerUidLabel: string(j.UID), "controller-uid": string(j.UID),
		batchv1.JobNameLabel: j.Name, "job-name": j.Name,
	}
}

// podNames checks that an indexed job's pods can have their host names.
func podNames(j *batchv1.Job, p *field.Path) field.ErrorList {
	if ptr.Deref(j.Spec.CompletionMode, "") != batchv1.IndexedCompletion || ptr.Deref(j.Spec.Completions, 0) <= 0 {
		return nil
	}
	name := j.Name + "-" + strconv.Itoa(int(*j.Spec.Completions)-1)
	if messages := validation.IsDNS1123Label(name); len(messages) > 0 {
		return field.ErrorList{field.Invalid(field.NewPath("metadata", "name"), j.Name,
			fmt.Sprintf("will not able to create pod with invalid DNS label: %s", name))}
	}
	return nil
}

func jobUpdate(j, old *batchv1.Job) field.ErrorList {
	errs := metadataUpdate(&j.ObjectMeta, &old.ObjectMeta)
	p, now, was := field.NewPath("spec"), &j.Spec, &old.Spec
	errs = append(errs, jobSpec(now, p)...)
	errs = append(errs, podNames(j, p)...)
	if !apiequality.Semantic.DeepEqual(now.Completions, was.Completions) && !resized(now, was) {
		errs = append(errs, field.Invalid(p.Child("completions"), now.Completions, "field is immutable"))
	}
	errs = append(errs, immutable(p.Child("selector"), now.Selector, was.Selector)...)
	errs = append(errs, immutable(p.Child("completionMode"), now.CompletionMode, was.CompletionMode)...)
	errs = append(errs, immutable(p.Child("managedBy"), now.ManagedBy, was.ManagedBy)...)
	return append(errs, immutable(p.Child("template"), changedTemplate(j, old), was.Template)...)
}

// resized reports that an indexed job all of whose indexes run at a time got
// another number of them, which Kubernetes allows (KEP-3715).
func resized(now, was *batchv1.JobSpec) bool {
	return ptr.Deref(now.CompletionMode, "") == batchv1.IndexedCompletion && now.Completions != nil && was.Completions != nil &&
		ptr.Equal(now.Completions, now.Parallelism)
}

// changedTemplate is the new template without the changes that are allowed: where
// its pods go, as long as there are none because the job is suspended and has
// not begun (KEP-2926).
func changedTemplate(j, old *batchv1.Job) corev1.PodTemplateSpec {
	if !ptr.Deref(old.Spec.Suspend, false) || old.Status.StartTime != nil {
		return j.Spec.Template
	}
	t, was := *j.Spec.Template.DeepCopy(), &old.Spec.Template
	t.Annotations, t.Labels = was.Annotations, was.Labels
	t.Spec.NodeSelector, t.Spec.Tolerations, t.Spec.SchedulingGates = was.Spec.NodeSelector, was.Spec.Tolerations, was.Spec.SchedulingGates
	t.Spec.Affinity = was.Spec.Affinity
	return t
}

func jobStatus(j, old *batchv1.Job) field.ErrorList {
	errs := metadataUpdate(&j.ObjectMeta, &old.ObjectMeta)
	p, status := field.NewPath("status"), &j.Status
	for _, c := range []count{{"active", status.Active}, {"succeeded", status.Succeeded}, {"failed", status.Failed}} {
		errs = append(errs, atLeastZero(p.Child(c.name), c.count)...)
	}
	errs = append(errs, wantedIfSet(status.Ready, p.Child("ready"))...)
	errs = append(errs, wantedIfSet(status.Terminating, p.Child("terminating"))...)
	if jobFinished(&old.Status) && !jobFinished(status) {
		errs = append(errs, field.Invalid(p.Child("conditions"), field.OmitValueType{}, "a finished job cannot go on"))
	}
	return errs
}

// jobFinished reports that a job's status says that it has completed or failed.
func jobFinished(status *batchv1.JobStatus) bool {
	for _, c := range status.Conditions {
		if (c.Type == batchv1.JobComplete || c.Type == batchv1.JobFailed) && c.Status == corev1.ConditionTrue {
			return true
		}
	}
	return false
}
