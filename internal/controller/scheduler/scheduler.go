// Package scheduler gives pods without a node one: of the nodes that can take
// a pod, the one that suits it best.
//
// A pod for which there is none gets the condition PodScheduled=False and an
// event that counts the nodes by what was in the way, and is tried again when
// nodes or other pods change. Pods are taken as they come: none is put before
// another for its priority, and none has to make room for one.
//
// Floor 2: a client of the API only.
package scheduler

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"

	"github.com/causeway-access/causeway/internal/controller"
)

const (
	// minPause and maxPause bound the time between two tries of a pod, which
	// doubles from try to try.
	minPause = time.Second
	maxPause = 10 * time.Second
	// anyway is when a pod is tried again though nothing has changed.
	anyway = 5 * time.Minute
)

type scheduler struct {
	client   kubernetes.Interface
	pods     corelisters.PodLister
	services corelisters.ServiceLister
	events   record.EventRecorder
	book     *book
	loop     *controller.Loop[cache.ObjectName]

	changes atomic.Int64 // of what could make a pod schedulable

	mu      sync.Mutex
	waiting map[cache.ObjectName]*wait
}

// wait is a pod that no node can take.
type wait struct {
	tries int
	until time.Time // the end of the pause after the last try
}

// New makes the controller.
func New(config controller.Config) (controller.Controller, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	core := config.Informers.Core().V1()
	s := &scheduler{
		client: config.Client, pods: core.Pods().Lister(), services: core.Services().Lister(),
		events: config.Recorder(corev1.DefaultSchedulerName), book: newBook(), waiting: map[cache.ObjectName]*wait{},
	}
	// One worker: each placement is seen by the next.
	s.loop = controller.NewLoop("scheduler", 1, config.For("scheduler"), s.reconcile)
	s.loop.Elect(config.Election)
	s.loop.Needs(core.Services().Informer().HasSynced)
	err := controller.Handle(s.loop, core.Nodes().Informer(), cache.ResourceEventHandlerFuncs{
		AddFunc: func(obj any) { s.nodeChanged(nil, obj) }, UpdateFunc: s.nodeChanged, DeleteFunc: s.nodeGone,
	})
	if err != nil {
		return nil, err
	}
	err = controller.Handle(s.loop, core.Pods().Informer(), cache.ResourceEventHandlerFuncs{
		AddFunc: func(obj any) { s.podChanged(nil, obj) }, UpdateFunc: s.podChanged, DeleteFunc: s.podGone,
	})
	if err != nil {
		return nil, err
	}
	return s.loop, nil
}

func (s *scheduler) nodeChanged(old, obj any) {
	node, ok := controller.Object[*corev1.Node](obj)
	if !ok {
		return
	}
	s.book.putNode(node)
	if before, ok := old.(*corev1.Node); ok && sameForPods(before, node) {
		return // a node tells of itself every few seconds
	}
	s.retryAll()
}

func sameForPods(a, b *corev1.Node) bool {
	return apiequality.Semantic.DeepEqual(a.Spec, b.Spec) && apiequality.Semantic.DeepEqual(a.Labels, b.Labels) &&
		apiequality.Semantic.DeepEqual(a.Status.Allocatable, b.Status.Allocatable)
}

func (s *scheduler) nodeGone(obj any) {
	if node, ok := controller.Object[*corev1.Node](obj); ok {
		s.book.dropNode(node.Name)
		s.retryAll() // domains of a spread may have gone with it
	}
}

func (s *scheduler) podChanged(old, obj any) {
	pod, ok := controller.Object[*corev1.Pod](obj)
	if !ok {
		return
	}
	before, known := old.(*corev1.Pod)
	if known && before.Generation == pod.Generation && before.Spec.NodeName == pod.Spec.NodeName && ended(before) == ended(pod) &&
		(before.DeletionTimestamp == nil) == (pod.DeletionTimestamp == nil) && apiequality.Semantic.DeepEqual(before.Labels, pod.Labels) {
		return
	}
	if s.book.putPod(pod) {
		s.retryAll()
	}
	if pod.Spec.NodeName == "" || (known && before.Spec.NodeName == "") {
		s.loop.Add(cache.MetaObjectToName(pod))
	}
}

func (s *scheduler) podGone(obj any) {
	pod, ok := controller.Object[*corev1.Pod](obj)
	if !ok {
		return
	}
	s.book.dropPod(pod.UID)
	s.loop.Add(cache.MetaObjectToName(pod))
	if pod.Spec.NodeName != "" {
		s.retryAll()
	}
}

func ended(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
}

// retryAll has all waiting pods tried again, each after its pause.
func (s *scheduler) retryAll() {
	s.changes.Add(1)
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, w := range s.waiting {
		s.loop.AddAfter(key, time.Until(w.until))
	}
}

// reconcile tries to place one pod.
func (s *scheduler) reconcile(ctx context.Context, key cache.ObjectName) error {
	pod, err := s.pods.Pods(key.Namespace).Get(key.Name)
	if apierrors.IsNotFound(err) {
		s.settled(key)
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading pod %s: %w", key, err)
	}
	if !s.concerns(pod) {
		s.settled(key)
		return nil
	}
	before := s.changes.Load()
	services, err := s.servicesOf(pod)
	if err != nil {
		return err
	}
	node, misfits := s.book.place(pod, services)
	if node == "" {
		s.keep(key, before)
		return controller.IgnoreGone(s.tellUnschedulable(ctx, pod, misfits.String()))
	}
	if err := s.bind(ctx, pod, node); err != nil {
		s.book.dropPod(pod.UID)
		return controller.IgnoreGone(err)
	}
	s.settled(key)
	return nil
}

// concerns reports that a pod is to be placed, by this scheduler, and now.
func (s *scheduler) concerns(pod *corev1.Pod) bool {
	return pod.Spec.NodeName == "" && pod.DeletionTimestamp == nil && !ended(pod) &&
		pod.Spec.SchedulerName == corev1.DefaultSchedulerName && len(pod.Spec.SchedulingGates) == 0 && !s.book.has(pod.UID)
}

func (s *scheduler) settled(key cache.ObjectName) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.waiting, key)
}

// keep has a pod wait for a change. If there was one since it was looked at, it
// is tried again as if the change came now.
func (s *scheduler) keep(key cache.ObjectName, before int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.waiting[key]
	if w == nil {
		w = &wait{}
		s.waiting[key] = w
	}
	pause := min(minPause<<min(w.tries, 10), maxPause)
	w.tries++
	w.until = time.Now().Add(pause)
	if s.changes.Load() != before {
		s.loop.AddAfter(key, pause)
		return
	}
	s.loop.AddAfter(key, anyway)
}

// bind tells the API server of the placement, and the user.
func (s *scheduler) bind(ctx context.Context, pod *corev1.Pod, node string) error {
	err := s.client.CoreV1().Pods(pod.Namespace).Bind(ctx, &corev1.Binding{
		ObjectMeta: metav1.ObjectMeta{Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID},
		Target:     corev1.ObjectReference{Kind: "Node", Name: node},
	}, metav1.CreateOptions{})
	if err != nil {
		return fmt.Errorf("binding pod %s/%s to node %s: %w", pod.Namespace, pod.Name, node, err)
	}
	s.events.Eventf(pod, corev1.EventTypeNormal, "Scheduled", "Successfully assigned %s/%s to %s", pod.Namespace, pod.Name, node)
	return nil
}
