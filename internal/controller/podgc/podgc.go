// Package podgc deletes pods that nobody will: those bound to a node that is
// gone, those that were asked to go before they had a node, and the oldest of
// those that have ended when there are too many.
//
// Floor 2: a client of the API only.
package podgc

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/utils/ptr"

	"github.com/causeway-access/causeway/internal/controller"
)

const (
	// every is the time between two looks at all pods.
	every = 20 * time.Second
	// quarantine is how long a node must be missing: it may register again.
	quarantine = 40 * time.Second
	// mostEnded is how many pods that have ended are kept for reading.
	mostEnded = 12500

	// round is the only key: each round looks at all pods.
	round = "pods"
)

type collector struct {
	client  kubernetes.Interface
	pods    corelisters.PodLister
	nodes   corelisters.NodeLister
	loop    *controller.Loop[string]
	missing map[string]time.Time // nodes that pods name, since when they are not there
	most    int
}

// Config is what this controller takes beside what all do.
type Config struct {
	// MostEnded is how many pods that have ended are kept. Zero means 12500.
	MostEnded int
}

// New makes the controller.
func New(shared controller.Config, config Config) (controller.Controller, error) {
	if err := shared.Validate(); err != nil {
		return nil, err
	}
	core := shared.Informers.Core().V1()
	c := &collector{
		client: shared.Client, pods: core.Pods().Lister(), nodes: core.Nodes().Lister(),
		missing: map[string]time.Time{}, most: config.MostEnded,
	}
	if c.most == 0 {
		c.most = mostEnded
	}
	c.loop = controller.NewLoop("podgc", 1, shared.For("podgc"), c.collect)
	c.loop.Elect(shared.Election)
	c.loop.Needs(core.Pods().Informer().HasSynced, core.Nodes().Informer().HasSynced)
	c.loop.Add(round)
	return c.loop, nil
}

// collect is one round.
func (c *collector) collect(ctx context.Context, _ string) error {
	c.loop.AddAfter(round, every)
	pods, err := c.pods.List(labels.Everything())
	if err != nil {
		return fmt.Errorf("listing pods: %w", err)
	}
	return errors.Join(c.ended(ctx, pods), c.orphaned(ctx, pods), c.unplaced(ctx, pods))
}

// ended deletes the oldest of those that have ended, beyond the number kept.
func (c *collector) ended(ctx context.Context, pods []*corev1.Pod) error {
	var done []*corev1.Pod
	for _, pod := range pods {
		if isEnded(pod) && pod.DeletionTimestamp == nil {
			done = append(done, pod)
		}
	}
	slices.SortFunc(done, func(a, b *corev1.Pod) int { return a.CreationTimestamp.Compare(b.CreationTimestamp.Time) })
	var errs []error
	for _, pod := range done[:max(len(done)-c.most, 0)] {
		errs = append(errs, c.delete(ctx, pod))
	}
	return errors.Join(errs...)
}

func isEnded(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
}

// unplaced deletes pods that are to go and that no node has to let go.
func (c *collector) unplaced(ctx context.Context, pods []*corev1.Pod) error {
	var errs []error
	for _, pod := range pods {
		if pod.DeletionTimestamp != nil && pod.Spec.NodeName == "" {
			errs = append(errs, c.delete(ctx, pod))
		}
	}
	return errors.Join(errs...)
}

// delete does not wait for a node to confirm.
func (c *collector) delete(ctx context.Context, pod *corev1.Pod) error {
	err := c.client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{
		GracePeriodSeconds: ptr.To(int64(0)), Preconditions: &metav1.Preconditions{UID: ptr.To(pod.UID)},
	})
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
		return fmt.Errorf("deleting pod %s/%s: %w", pod.Namespace, pod.Name, err)
	}
	return nil
}
