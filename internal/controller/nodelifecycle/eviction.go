package nodelifecycle

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"
	"k8s.io/klog/v2"
	"k8s.io/utils/ptr"

	"github.com/causeway-access/causeway/internal/controller"
)

// eviction deletes pods that do not tolerate a NoExecute taint of their node.
type eviction struct {
	client kubernetes.Interface
	nodes  corelisters.NodeLister
	pods   corelisters.PodLister
	events record.EventRecorder
	seen   *sightings
	loop   *controller.Loop[cache.ObjectName]
}

func newEviction(config controller.Config) (controller.Controller, error) {
	core := config.Informers.Core().V1()
	e := &eviction{
		client: config.Client, nodes: core.Nodes().Lister(), pods: core.Pods().Lister(),
		events: config.Recorder("taint-eviction-controller"), seen: newSightings(),
	}
	e.loop = controller.NewLoop("taint-eviction", workers, config.For("taint-eviction"), e.reconcile)
	e.loop.Elect(config.Election)
	indexer := core.Pods().Informer().GetIndexer()
	err := controller.Watch(e.loop, core.Nodes().Informer(), func(node *corev1.Node) []cache.ObjectName {
		if len(executing(node)) == 0 {
			return nil // who waits finds that when his time has come
		}
		pods, err := podsOn(indexer, node.Name)
		if err != nil {
			return nil // the index is there
		}
		var keys []cache.ObjectName
		for _, pod := range pods {
			keys = append(keys, cache.MetaObjectToName(pod))
		}
		return keys
	})
	if err != nil {
		return nil, err
	}
	err = controller.Watch(e.loop, core.Pods().Informer(), func(pod *corev1.Pod) []cache.ObjectName {
		if pod.Spec.NodeName == "" {
			return nil
		}
		return controller.KeyOf(pod)
	})
	return e.loop, err
}

// executing is the taints of a node that drive pods away.
func executing(node *corev1.Node) []corev1.Taint {
	var taints []corev1.Taint
	for _, t := range node.Spec.Taints {
		if t.Effect == corev1.TaintEffectNoExecute {
			taints = append(taints, t)
		}
	}
	return taints
}

// reconcile deletes one pod if its time on its node is over.
func (e *eviction) reconcile(ctx context.Context, key cache.ObjectName) error {
	pod, err := e.pods.Pods(key.Namespace).Get(key.Name)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading pod %s: %w", key, err)
	}
	node, err := e.nodes.Get(pod.Spec.NodeName)
	if apierrors.IsNotFound(err) {
		return nil // the pod is garbage, which others collect
	}
	if err != nil {
		return fmt.Errorf("reading node %s: %w", pod.Spec.NodeName, err)
	}
	taints := executing(node)
	e.seen.keep(node.Name, taints)
	due, leaves := e.leavesAt(pod, node.Name, taints)
	if !leaves || pod.DeletionTimestamp != nil {
		return nil
	}
	if left := time.Until(due); left > 0 {
		e.loop.AddAfter(key, left)
		return nil
	}
	return controller.IgnoreGone(e.evict(ctx, pod))
}

// leavesAt is when a pod is to go; false if it tolerates all taints for ever.
func (e *eviction) leavesAt(pod *corev1.Pod, node string, taints []corev1.Taint) (due time.Time, leaves bool) {
	for i := range taints {
		since := e.seen.at(node, &taints[i])
		patience, forever := tolerance(pod, &taints[i])
		if end := since.Add(patience); !forever && (!leaves || end.Before(due)) {
			due, leaves = end, true
		}
	}
	return due, leaves
}

// tolerance is for how long a pod tolerates a taint: the shortest time that any
// of its tolerations says, for ever if none says one, not at all without any.
func tolerance(pod *corev1.Pod, taint *corev1.Taint) (patience time.Duration, forever bool) {
	tolerated, limited := false, false
	for i := range pod.Spec.Tolerations {
		t := &pod.Spec.Tolerations[i]
		if !t.ToleratesTaint(klog.Background(), taint, false) {
			continue
		}
		tolerated = true
		if t.TolerationSeconds == nil {
			continue
		}
		if d := time.Duration(max(*t.TolerationSeconds, 0)) * time.Second; !limited || d < patience {
			patience, limited = d, true
		}
	}
	return patience, tolerated && !limited
}

func (e *eviction) evict(ctx context.Context, pod *corev1.Pod) error {
	patch, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"uid": pod.UID},
		"status": map[string]any{"conditions": []corev1.PodCondition{{
			Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue, Reason: "DeletionByTaintManager",
			Message: "Taint manager: deleting due to NoExecute taint", LastTransitionTime: metav1.Now(),
		}}},
	})
	if err != nil {
		return err
	}
	client := e.client.CoreV1().Pods(pod.Namespace)
	if _, err := client.Patch(ctx, pod.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status"); err != nil {
		return fmt.Errorf("telling why pod %s/%s is deleted: %w", pod.Namespace, pod.Name, err)
	}
	e.events.Eventf(pod, corev1.EventTypeNormal, "TaintManagerEviction", "Marking for deletion Pod %s/%s", pod.Namespace, pod.Name)
	err = client.Delete(ctx, pod.Name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: ptr.To(pod.UID)}})
	if err != nil {
		return fmt.Errorf("deleting pod %s/%s, which does not tolerate a taint of its node: %w", pod.Namespace, pod.Name, err)
	}
	return nil
}

// sightings remembers since when a node has a taint that does not say so itself.
type sightings struct {
	mu    sync.Mutex
	first map[sighting]time.Time
}

type sighting struct{ node, key, value string }

func newSightings() *sightings { return &sightings{first: map[sighting]time.Time{}} }

// at is since when the node has the taint.
func (s *sightings) at(node string, taint *corev1.Taint) time.Time {
	if taint.TimeAdded != nil {
		return taint.TimeAdded.Time
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	id := sighting{node, taint.Key, taint.Value}
	if s.first[id].IsZero() {
		s.first[id] = time.Now()
	}
	return s.first[id]
}

// keep forgets the taints that a node does not have any more.
func (s *sightings) keep(node string, taints []corev1.Taint) {
	s.mu.Lock()
	defer s.mu.Unlock()
	has := map[sighting]bool{}
	for _, t := range taints {
		has[sighting{node, t.Key, t.Value}] = true
	}
	for id := range s.first {
		if id.node == node && !has[id] {
			delete(s.first, id)
		}
	}
}
