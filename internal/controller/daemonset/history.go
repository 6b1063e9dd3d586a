package daemonset

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"reflect"
	"slices"
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/rand"
	"k8s.io/utils/ptr"

	"github.com/causeway-access/causeway/internal/controller"
)

// history finds the revision of the current template, or makes it; if the
// template is an earlier one come back, its revision gets the newest number.
func (l *look) history(ctx context.Context, selector labels.Selector, fresh func(context.Context) (metav1.Object, error)) error {
	all, err := l.revisions.ControllerRevisions(l.Namespace).List(labels.Everything())
	if err != nil {
		return fmt.Errorf("listing controller revisions: %w", err)
	}
	claim := controller.Claim[*appsv1.ControllerRevision]{
		Owner: l.DaemonSet, Kind: daemonSetKind, Selector: selector, Fresh: fresh,
		Patch: func(ctx context.Context, r *appsv1.ControllerRevision, patch []byte) error {
			_, err := l.client.AppsV1().ControllerRevisions(r.Namespace).Patch(ctx, r.Name, controller.StrategicMerge, patch, metav1.PatchOptions{})
			return err
		},
	}
	own, err := claim.Of(ctx, all)
	if err != nil {
		return err
	}
	data, err := dataOf(&l.Spec.Template)
	if err != nil {
		return err
	}
	slices.SortFunc(own, func(a, b *appsv1.ControllerRevision) int { return cmp.Compare(a.Revision, b.Revision) })
	newest := int64(0)
	for _, r := range own {
		newest = max(newest, r.Revision)
		if sameData(r.Data.Raw, data) {
			l.revision = r
		}
	}
	for _, r := range own {
		if r != l.revision {
			l.old = append(l.old, r)
		}
	}
	switch {
	case l.revision == nil:
		err = l.keep(ctx, data, newest+1)
	case l.revision.Revision < newest:
		err = l.renumber(ctx, newest+1)
	}
	if err == nil {
		l.hash = l.revision.Labels[appsv1.DefaultDaemonSetUniqueLabelKey]
	}
	return err
}

// dataOf is a template as the patch that brings it back, in the form in which
// kubectl looks for it: with sorted fields.
func dataOf(template *corev1.PodTemplateSpec) ([]byte, error) {
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(template)
	if err != nil {
		return nil, fmt.Errorf("writing the template down: %w", err)
	}
	fields["$patch"] = "replace"
	return json.Marshal(map[string]any{"spec": map[string]any{"template": fields}})
}

func sameData(a, b []byte) bool {
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && reflect.DeepEqual(x, y)
}

// keep makes the revision of a new template. Its name has a hash of the
// template, so that it cannot be made twice.
func (l *look) keep(ctx context.Context, data []byte, number int64) error {
	hash := hashOf(data, l.Status.CollisionCount)
	revision := &appsv1.ControllerRevision{
		ObjectMeta: metav1.ObjectMeta{
			Name: l.Name + "-" + hash, Namespace: l.Namespace, Labels: maps.Clone(l.Spec.Template.Labels), Annotations: maps.Clone(l.Annotations),
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(l.DaemonSet, daemonSetKind)},
		},
		Data: runtime.RawExtension{Raw: data}, Revision: number,
	}
	delete(revision.Annotations, corev1.LastAppliedConfigAnnotation)
	metav1.SetMetaDataLabel(&revision.ObjectMeta, appsv1.DefaultDaemonSetUniqueLabelKey, hash)
	made, err := l.client.AppsV1().ControllerRevisions(l.Namespace).Create(ctx, revision, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return l.collide(ctx, revision, err)
	}
	if err != nil {
		return fmt.Errorf("keeping the template as revision %s: %w", revision.Name, err)
	}
	l.revision = made
	return nil
}

// collide looks at who has the name of a new revision. It is ours, and the cache
// has not seen it; or another template has the same hash, and the next is to
// have a salt.
func (l *look) collide(ctx context.Context, revision *appsv1.ControllerRevision, exists error) error {
	other, err := l.client.AppsV1().ControllerRevisions(l.Namespace).Get(ctx, revision.Name, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("reading revision %s, which has the name of a new one: %w", revision.Name, err)
	}
	if metav1.IsControlledBy(other, l.DaemonSet) && sameData(other.Data.Raw, revision.Data.Raw) {
		return exists // and so tried again, when the cache will be newer
	}
	l.Status.CollisionCount = ptr.To(ptr.Deref(l.Status.CollisionCount, 0) + 1)
	if _, err := l.client.AppsV1().DaemonSets(l.Namespace).UpdateStatus(ctx, l.DaemonSet, metav1.UpdateOptions{}); err != nil {
		return fmt.Errorf("counting a collision of names: %w", err)
	}
	return exists
}

func (l *look) renumber(ctx context.Context, number int64) error {
	changed := l.revision.DeepCopy()
	changed.Revision = number
	written, err := l.client.AppsV1().ControllerRevisions(l.Namespace).Update(ctx, changed, metav1.UpdateOptions{})
	if err != nil {
		return fmt.Errorf("giving revision %s the newest number: %w", changed.Name, err)
	}
	l.revision = written
	return nil
}

// clean deletes the oldest revisions beyond the number that is kept. One that
// pods are still of is no history.
func (l *look) clean(ctx context.Context) error {
	living := map[string]bool{}
	for _, pod := range l.pods {
		living[pod.Labels[appsv1.DefaultDaemonSetUniqueLabelKey]] = true
	}
	excess := len(l.old) - int(ptr.Deref(l.Spec.RevisionHistoryLimit, 10))
	for _, r := range l.old {
		if excess <= 0 {
			return nil
		}
		if living[r.Labels[appsv1.DefaultDaemonSetUniqueLabelKey]] {
			continue
		}
		excess--
		err := l.client.AppsV1().ControllerRevisions(l.Namespace).Delete(ctx, r.Name, metav1.DeleteOptions{
			Preconditions: &metav1.Preconditions{UID: ptr.To(r.UID)},
		})
		if err != nil && !apierrors.IsNotFound(err) {
			return fmt.Errorf("deleting the old revision %s: %w", r.Name, err)
		}
	}
	return nil
}

// hashOf tells templates apart, in letters that make no words.
func hashOf(data []byte, salt *int32) string {
	hash := fnv.New32a()
	hash.Write(data)
	if salt != nil {
		fmt.Fprint(hash, *salt)
	}
	return rand.SafeEncodeString(strconv.FormatUint(uint64(hash.Sum32()), 10))
}
