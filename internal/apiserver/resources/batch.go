package resources

import (
	"context"
	"strconv"

	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"

	"github.com/causeway-access/causeway/internal/apiserver/registry"
	"github.com/causeway-access/causeway/internal/apiserver/validation"
)

var batchV1 = batchv1.SchemeGroupVersion

// batch is the group of what comes to an end.
func (b *builder) batch() served { return b.add(served{}, jobs()) }

func jobs() *registry.Resource {
	r := registry.Define[batchv1.Job, batchv1.JobList](batchV1, "Job", "jobs", "job")
	r.Categories, r.Status, r.Generation = all, true, true
	r.Fields = func(o runtime.Object) fields.Set {
		return fields.Set{"status.successful": strconv.Itoa(int(o.(*batchv1.Job).Status.Succeeded))}
	}
	r.PrepareCreate = func(_ context.Context, o runtime.Object) { selectOwnPods(o.(*batchv1.Job)) }
	return r
}

// selectOwnPods gives a job a selector that finds the pods of no other job, and
// its pods the labels. What is there already stays, and is judged afterwards.
func selectOwnPods(j *batchv1.Job) {
	template := &j.Spec.Template
	if ptr.Deref(j.Spec.ManualSelector, false) {
		return
	}
	for name, value := range validation.JobLabels(j) {
		if _, ok := template.Labels[name]; !ok {
			metav1.SetMetaDataLabel(&template.ObjectMeta, name, value)
		}
	}
	if j.Spec.Selector == nil {
		j.Spec.Selector = &metav1.LabelSelector{}
	}
	if _, ok := j.Spec.Selector.MatchLabels[batchv1.ControllerUidLabel]; !ok {
		j.Spec.Selector = metav1.AddLabelToSelector(j.Spec.Selector, batchv1.ControllerUidLabel, string(j.UID))
	}
}
