// Package daemonset keeps one pod of each DaemonSet on every node that can have
// one, and replaces them at the rate that the DaemonSet allows when its template
// changes. Which node a pod is for stands in its affinity, so that the scheduler
// binds it to that node and to no other. Earlier templates are kept as
// ControllerRevisions.
//
// Floor 2: a client of the API only.
package daemonset

import (
	"context"
	"errors"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/kubernetes"
	appslisters "k8s.io/client-go/listers/apps/v1"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"
	"k8s.io/client-go/util/flowcontrol"

	"github.com/causeway-access/causeway/internal/controller"
	"github.com/causeway-access/causeway/internal/controller/ownpods"
)

const (
	workers = 2
	// minBackoff and maxBackoff bound the time between two pods of a node that
	// fail one after the other.
	minBackoff = time.Second
	maxBackoff = 15 * time.Minute
)

var daemonSetKind = appsv1.SchemeGroupVersion.WithKind("DaemonSet")

type keeper struct {
	client    kubernetes.Interface
	sets      appslisters.DaemonSetLister
	revisions appslisters.ControllerRevisionLister
	pods      corelisters.PodLister
	store     cache.Store // of pods
	nodes     corelisters.NodeLister
	events    record.EventRecorder
	maker     *ownpods.Maker
	failures  *flowcontrol.Backoff
	loop      *controller.Loop[cache.ObjectName]
}

// New makes the controller.
func New(config controller.Config) (controller.Controller, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	apps, core := config.Informers.Apps().V1(), config.Informers.Core().V1()
	events := config.Recorder("daemonset-controller")
	k := &keeper{
		client: config.Client, sets: apps.DaemonSets().Lister(), revisions: apps.ControllerRevisions().Lister(),
		pods: core.Pods().Lister(), store: core.Pods().Informer().GetStore(), nodes: core.Nodes().Lister(), events: events,
		maker:    &ownpods.Maker{Client: config.Client, Events: events, Kind: daemonSetKind, Writes: ownpods.NewWrites()},
		failures: flowcontrol.NewBackOff(minBackoff, maxBackoff),
	}
	k.loop = controller.NewLoop("daemonset", workers, config.For("daemonset"), k.reconcile)
	k.loop.Elect(config.Election)
	return k.loop, errors.Join(
		controller.Watch(k.loop, apps.DaemonSets().Informer(), controller.KeyOf[*appsv1.DaemonSet]),
		controller.Watch(k.loop, apps.ControllerRevisions().Informer(), k.ownerOf),
		controller.Watch(k.loop, core.Pods().Informer(), k.ownersOf),
		controller.Handle(k.loop, core.Nodes().Informer(), cache.ResourceEventHandlerFuncs{
			AddFunc: func(any) { k.addAll() }, UpdateFunc: k.nodeChanged, DeleteFunc: func(any) { k.addAll() },
		}),
	)
}

// ownerOf is the daemon set of a revision.
func (k *keeper) ownerOf(revision *appsv1.ControllerRevision) []cache.ObjectName {
	ref := metav1.GetControllerOf(revision)
	if ref == nil || ref.Kind != daemonSetKind.Kind {
		return nil
	}
	return []cache.ObjectName{cache.NewObjectName(revision.Namespace, ref.Name)}
}

// ownersOf is the daemon sets of a pod.
func (k *keeper) ownersOf(pod *corev1.Pod) []cache.ObjectName { return k.maker.KeysOf(pod, k.adopters) }

// adopters is the daemon sets that want a pod which is nobody's.
func (k *keeper) adopters(pod *corev1.Pod) []cache.ObjectName {
	all, err := k.sets.DaemonSets(pod.Namespace).List(labels.Everything())
	if err != nil {
		return nil // a cache's list with no selector cannot fail
	}
	var keys []cache.ObjectName
	for _, ds := range all {
		selector, err := metav1.LabelSelectorAsSelector(ds.Spec.Selector)
		if err == nil && selector.Matches(labels.Set(pod.Labels)) {
			keys = append(keys, cache.MetaObjectToName(ds))
		}
	}
	return keys
}

// nodeChanged passes over that a node tells of itself every few seconds.
func (k *keeper) nodeChanged(old, obj any) {
	before, known := old.(*corev1.Node)
	node, ok := obj.(*corev1.Node)
	if known && ok && before.UID == node.UID && apiequality.Semantic.DeepEqual(before.Labels, node.Labels) &&
		apiequality.Semantic.DeepEqual(before.Spec.Taints, node.Spec.Taints) {
		return
	}
	k.addAll()
}

func (k *keeper) addAll() {
	all, err := k.sets.List(labels.Everything())
	if err != nil {
		return // as above
	}
	for _, ds := range all {
		k.loop.Add(cache.MetaObjectToName(ds))
	}
}

// reconcile takes one daemon set a step further.
func (k *keeper) reconcile(ctx context.Context, key cache.ObjectName) error {
	cached, err := k.sets.DaemonSets(key.Namespace).Get(key.Name)
	if apierrors.IsNotFound(err) {
		k.maker.Writes.Forget(key) // the garbage collector deletes the pods
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading daemon set %s: %w", key, err)
	}
	if cached.DeletionTimestamp != nil {
		return nil
	}
	all, err := k.pods.Pods(key.Namespace).List(labels.Everything())
	if err != nil {
		return fmt.Errorf("listing pods of daemon set %s: %w", key, err)
	}
	if !k.maker.Writes.Seen(key, cached.UID, all, k.store.LastStoreSyncResourceVersion()) {
		return controller.ErrAgain // acting on a cache older than our writes would make too many
	}
	l, err := k.look(ctx, cached.DeepCopy(), all)
	if err != nil {
		return controller.IgnoreGone(err)
	}
	worked := l.work(ctx)
	return controller.IgnoreGone(errors.Join(worked, l.writeStatus(ctx)))
}

// look gathers what a daemon set has, and where.
func (k *keeper) look(ctx context.Context, ds *appsv1.DaemonSet, all []*corev1.Pod) (*look, error) {
	selector, err := metav1.LabelSelectorAsSelector(ds.Spec.Selector)
	if err != nil {
		return nil, fmt.Errorf("reading the selector of daemon set %s/%s: %w", ds.Namespace, ds.Name, err)
	}
	fresh := func(ctx context.Context) (metav1.Object, error) {
		return k.client.AppsV1().DaemonSets(ds.Namespace).Get(ctx, ds.Name, metav1.GetOptions{})
	}
	pods, err := k.maker.Claim(ds, selector, fresh).Of(ctx, all)
	if err != nil {
		return nil, err
	}
	nodes, err := k.nodes.List(labels.Everything())
	if err != nil {
		return nil, fmt.Errorf("listing nodes: %w", err)
	}
	l := &look{keeper: k, DaemonSet: ds, key: cache.MetaObjectToName(ds), now: time.Now()}
	if err := l.history(ctx, selector, fresh); err != nil {
		return nil, err
	}
	l.place(nodes, pods)
	return l, nil
}
