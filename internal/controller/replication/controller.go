package replication

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"

	"github.com/causeway-access/causeway/internal/controller"
)

const workers = 4

type replicator struct {
	kind   Kind
	names  Names
	client kubernetes.Interface
	pods   corelisters.PodLister
	store  cache.Store // of pods
	events record.EventRecorder
	writes *writes
	loop   *controller.Loop[cache.ObjectName]
}

// New makes the controller of one kind, whose objects owners watches.
func New(config controller.Config, names Names, kind Kind, owners cache.SharedIndexInformer) (controller.Controller, error) {
	pods := config.Informers.Core().V1().Pods()
	r := &replicator{
		kind: kind, names: names, client: config.Client,
		pods: pods.Lister(), store: pods.Informer().GetStore(),
		events: config.Recorder(names.Component), writes: newWrites(),
	}
	r.loop = controller.NewLoop(names.Loop, workers, config.For(names.Loop), r.reconcile)
	r.loop.Elect(config.Election)
	if err := controller.Watch(r.loop, owners, controller.KeyOf[metav1.Object]); err != nil {
		return nil, err
	}
	if err := controller.Watch(r.loop, pods.Informer(), r.ownersOf); err != nil {
		return nil, err
	}
	return r.loop, nil
}

// ownersOf is the owner that a pod names, or if it names none, all that would
// adopt it.
func (r *replicator) ownersOf(pod *corev1.Pod) []cache.ObjectName {
	if ref := metav1.GetControllerOf(pod); ref != nil {
		if ref.Kind != r.names.Kind.Kind || ref.APIVersion != r.names.Kind.GroupVersion().String() {
			return nil
		}
		return []cache.ObjectName{cache.NewObjectName(pod.Namespace, ref.Name)}
	}
	owners, err := r.kind.List(pod.Namespace)
	if err != nil {
		return nil // a cache's list with no selector cannot fail
	}
	var keys []cache.ObjectName
	for _, owner := range owners {
		if owner.Selector.Matches(labels.Set(pod.Labels)) {
			keys = append(keys, cache.MetaObjectToName(owner.Meta))
		}
	}
	return keys
}

// reconcile brings the pods of one owner to what it asks for, and its status
// to what its pods are.
func (r *replicator) reconcile(ctx context.Context, key cache.ObjectName) error {
	owner, err := r.kind.Get(key.Namespace, key.Name)
	if apierrors.IsNotFound(err) {
		r.writes.forget(key) // the garbage collector deletes the pods
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading %s %s: %w", r.names.Kind.Kind, key, err)
	}
	all, err := r.pods.Pods(key.Namespace).List(labels.Everything())
	if err != nil {
		return fmt.Errorf("listing pods of %s %s: %w", r.names.Kind.Kind, key, err)
	}
	if !r.writes.seen(key, owner.Meta.GetUID(), all, r.store.LastStoreSyncResourceVersion()) {
		return controller.ErrAgain // acting on a cache older than our writes would make too many
	}
	pods, err := r.claim(owner).Of(ctx, r.writes.without(key, active(all)))
	if err != nil {
		return controller.IgnoreGone(err)
	}
	var failed error
	if owner.Meta.GetDeletionTimestamp() == nil {
		failed = r.scale(ctx, key, owner, pods)
	}
	status, due := statusOf(owner, pods, failed, time.Now())
	if due > 0 {
		r.loop.AddAfter(key, due)
	}
	return controller.IgnoreGone(errors.Join(failed, r.kind.WriteStatus(ctx, owner, status)))
}

// claim finds the pods of an owner.
func (r *replicator) claim(owner *Owner) controller.Claim[*corev1.Pod] {
	return controller.Claim[*corev1.Pod]{
		Owner: owner.Meta, Kind: r.names.Kind, Selector: owner.Selector,
		Fresh: func(ctx context.Context) (metav1.Object, error) {
			return r.kind.Fresh(ctx, owner.Meta.GetNamespace(), owner.Meta.GetName())
		},
		Patch: func(ctx context.Context, pod *corev1.Pod, patch []byte) error {
			_, err := r.client.CoreV1().Pods(pod.Namespace).Patch(ctx, pod.Name, controller.StrategicMerge, patch, metav1.PatchOptions{})
			return err
		},
	}
}

// active is the pods that have not ended and are not asked to.
func active(pods []*corev1.Pod) []*corev1.Pod {
	var living []*corev1.Pod
	for _, pod := range pods {
		ended := pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
		if !ended && pod.DeletionTimestamp == nil {
			living = append(living, pod)
		}
	}
	return living
}
