// Package nodelifecycle notices nodes that do not answer any more, keeps the
// taints by which pods stay away from nodes that are not well, and deletes the
// pods that do not tolerate a taint of their node, when their time is over.
//
// A node shows that it lives by renewing its lease, or by its status. The time
// since then is taken by this machine's clock, from the moment a change was
// seen: the clocks of nodes do not matter.
//
// Floor 2: a client of the API only.
package nodelifecycle

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/kubernetes"
	coordinationlisters "k8s.io/client-go/listers/coordination/v1"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"

	"github.com/causeway-access/causeway/internal/controller"
)

const (
	// grace is how long a node may be silent.
	grace = 40 * time.Second
	// startup is how long a new node may take to say something.
	startup = time.Minute
	// every is the time between two looks at a node.
	every = 5 * time.Second

	workers = 2
)

type monitor struct {
	client kubernetes.Interface
	nodes  corelisters.NodeLister
	leases coordinationlisters.LeaseNamespaceLister
	pods   cache.Indexer
	events record.EventRecorder
	signs  signs
	loop   *controller.Loop[string]
}

// New makes the controller.
func New(config controller.Config) (controller.Controller, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	core := config.Informers.Core().V1()
	if err := indexByNode(core.Pods().Informer()); err != nil {
		return nil, fmt.Errorf("preparing to find the pods of a node: %w", err)
	}
	leases := config.Informers.Coordination().V1().Leases()
	m := &monitor{
		client: config.Client, nodes: core.Nodes().Lister(), leases: leases.Lister().Leases(corev1.NamespaceNodeLease),
		pods: core.Pods().Informer().GetIndexer(), events: config.Recorder("node-controller"), signs: newSigns(),
	}
	m.loop = controller.NewLoop("nodelifecycle", workers, config.For("nodelifecycle"), m.reconcile)
	m.loop.Elect(config.Election)
	m.loop.Needs(leases.Informer().HasSynced, core.Pods().Informer().HasSynced)
	if err := controller.Watch(m.loop, core.Nodes().Informer(), func(n *corev1.Node) []string { return []string{n.Name} }); err != nil {
		return nil, err
	}
	eviction, err := newEviction(config)
	if err != nil {
		return nil, err
	}
	return controller.Group("nodelifecycle", m.loop, eviction), nil
}

// byNode is the index of pods by their node.
const byNode = "causeway-node"

func indexByNode(pods cache.SharedIndexInformer) error {
	if _, ok := pods.GetIndexer().GetIndexers()[byNode]; ok {
		return nil
	}
	return pods.AddIndexers(cache.Indexers{byNode: func(obj any) ([]string, error) {
		if pod, ok := obj.(*corev1.Pod); ok && pod.Spec.NodeName != "" {
			return []string{pod.Spec.NodeName}, nil
		}
		return nil, nil
	}})
}

// podsOn is the pods of a node.
func podsOn(pods cache.Indexer, node string) ([]*corev1.Pod, error) {
	objects, err := pods.ByIndex(byNode, node)
	if err != nil {
		return nil, fmt.Errorf("finding the pods of node %s: %w", node, err)
	}
	list := make([]*corev1.Pod, 0, len(objects))
	for _, obj := range objects {
		if pod, ok := obj.(*corev1.Pod); ok {
			list = append(list, pod)
		}
	}
	return list, nil
}

// reconcile looks at one node, and again a while later.
func (m *monitor) reconcile(ctx context.Context, name string) error {
	node, err := m.nodes.Get(name)
	if apierrors.IsNotFound(err) {
		m.signs.forget(name)
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading node %s: %w", name, err)
	}
	m.loop.AddAfter(name, every)
	lease, err := m.leases.Get(name)
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("reading the lease of node %s: %w", name, err)
	}
	if m.signs.silence(node, lease, time.Now()) > patience(node) {
		if node, err = m.giveUp(ctx, node); err != nil {
			return controller.IgnoreGone(err)
		}
	}
	others, err := m.othersLive(name)
	if err != nil {
		return err
	}
	return controller.IgnoreGone(errors.Join(m.taint(ctx, node, others), m.unready(ctx, node)))
}

// patience is how long a node may be silent: longer if it has not said anything
// yet.
func patience(node *corev1.Node) time.Duration {
	if condition(node, corev1.NodeReady) == nil {
		return startup
	}
	return grace
}

// othersLive reports that some other node is ready. If there is none, it is
// rather this side that cannot be reached, and no pod is better off elsewhere.
func (m *monitor) othersLive(name string) (bool, error) {
	all, err := m.nodes.List(labels.Everything())
	if err != nil {
		return false, fmt.Errorf("listing nodes: %w", err)
	}
	for _, node := range all {
		if c := condition(node, corev1.NodeReady); node.Name != name && c != nil && c.Status == corev1.ConditionTrue {
			return true, nil
		}
	}
	return false, nil
}

func condition(node *corev1.Node, kind corev1.NodeConditionType) *corev1.NodeCondition {
	for i := range node.Status.Conditions {
		if node.Status.Conditions[i].Type == kind {
			return &node.Status.Conditions[i]
		}
	}
	return nil
}
