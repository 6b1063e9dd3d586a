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
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/causeway-access/causeway/internal/controller"
	"github.com/causeway-access/causeway/internal/controller/ownpods"
)

const workers = 4

type replicator struct {
	kind  Kind
	names Names
	maker *ownpods.Maker
	pods  corelisters.PodLister
	store cache.Store // of pods
	loop  *controller.Loop[cache.ObjectName]
}

// New makes the controller of one kind, whose objects owners watches.
func New(config controller.Config, names Names, kind Kind, owners cache.SharedIndexInformer) (controller.Controller, error) {
	pods := config.Informers.Core().V1().Pods()
	r := &replicator{
		kind: kind, names: names, pods: pods.Lister(), store: pods.Informer().GetStore(),
		maker: &ownpods.Maker{
			Client: config.Client, Events: config.Recorder(names.Component), Kind: names.Kind, Writes: ownpods.NewWrites(),
		},
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

func (r *replicator) ownersOf(pod *corev1.Pod) []cache.ObjectName {
	return r.maker.KeysOf(pod, r.adopters)
}

// adopters is the owners that want a pod which is nobody's.
func (r *replicator) adopters(pod *corev1.Pod) []cache.ObjectName {
	owners, err := r.kind.List(pod.Namespace)
	if err != nil {
		return nil // a cache's list with no selector cannot fail
	}
	var keys []cache.ObjectName
	for _, owner := range owners {
		if owner.Selector.Matches(labels.Set(pod.Labels)) {
			keys = append(keys, cache.MetaObjectToName(owner.Object))
		}
	}
	return keys
}

// reconcile brings the pods of one owner to what it asks for, and its status
// to what its pods are.
func (r *replicator) reconcile(ctx context.Context, key cache.ObjectName) error {
	owner, err := r.kind.Get(key.Namespace, key.Name)
	if apierrors.IsNotFound(err) {
		r.maker.Writes.Forget(key) // the garbage collector deletes the pods
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading %s %s: %w", r.names.Kind.Kind, key, err)
	}
	all, err := r.pods.Pods(key.Namespace).List(labels.Everything())
	if err != nil {
		return fmt.Errorf("listing pods of %s %s: %w", r.names.Kind.Kind, key, err)
	}
	if !r.maker.Writes.Seen(key, owner.Object.GetUID(), all, r.store.LastStoreSyncResourceVersion()) {
		return controller.ErrAgain // acting on a cache older than our writes would make too many
	}
	pods, err := r.claim(owner).Of(ctx, r.maker.Writes.Without(key, ownpods.Active(all)))
	if err != nil {
		return controller.IgnoreGone(err)
	}
	var failed error
	if owner.Object.GetDeletionTimestamp() == nil {
		failed = r.scale(ctx, owner, pods)
	}
	status, due := statusOf(owner, pods, failed, time.Now())
	if due > 0 {
		r.loop.AddAfter(key, due)
	}
	return controller.IgnoreGone(errors.Join(failed, r.kind.WriteStatus(ctx, owner, status)))
}

// claim finds the pods of an owner.
func (r *replicator) claim(owner *Owner) controller.Claim[*corev1.Pod] {
	return r.maker.Claim(owner.Object, owner.Selector, func(ctx context.Context) (metav1.Object, error) {
		return r.kind.Fresh(ctx, owner.Object.GetNamespace(), owner.Object.GetName())
	})
}
