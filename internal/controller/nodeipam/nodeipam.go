// Package nodeipam gives each node a range of its own out of the addresses of
// pods. A node keeps its range for its life; what is given is read from the
// nodes themselves, at each gift anew and past all caches, so that a restart
// forgets nothing.
//
// Floor 2: a client of the API only.
package nodeipam

import (
	"context"
	"fmt"
	"net/netip"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/record"
	nodeutil "k8s.io/component-helpers/node/util"

	"github.com/causeway-access/causeway/internal/controller"
)

// Config is what this controller takes beside what all do.
type Config struct {
	// Cluster is the range of all pods. Required.
	Cluster netip.Prefix
	// NodeBits is the length of a node's prefix. Zero means 24, or 64 for IPv6;
	// a node's range is never greater than the cluster's.
	NodeBits int
}

// Default lengths of a node's prefix: 256 addresses, or one link (RFC 4291).
const (
	nodeBits4 = 24
	nodeBits6 = 64
)

type allocator struct {
	client kubernetes.Interface
	nodes  corelisters.NodeLister
	events record.EventRecorder
	ranges ranges
}

// New makes the controller.
func New(shared controller.Config, config Config) (controller.Controller, error) {
	if err := shared.Validate(); err != nil {
		return nil, err
	}
	ranges, err := newRanges(config)
	if err != nil {
		return nil, err
	}
	nodes := shared.Informers.Core().V1().Nodes()
	a := &allocator{client: shared.Client, nodes: nodes.Lister(), events: shared.Recorder("cidrAllocator"), ranges: ranges}
	// One worker in one process: two would give the same range twice.
	loop := controller.NewLoop("nodeipam", 1, shared.For("nodeipam"), a.reconcile)
	loop.Elect(shared.Election)
	err = controller.Watch(loop, nodes.Informer(), func(node *corev1.Node) []string {
		if node.Spec.PodCIDR != "" {
			return nil
		}
		return []string{node.Name}
	})
	return loop, err
}

// reconcile gives a node its range.
func (a *allocator) reconcile(ctx context.Context, name string) error {
	cached, err := a.nodes.Get(name)
	if apierrors.IsNotFound(err) || (err == nil && cached.Spec.PodCIDR != "") {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading node %s: %w", name, err)
	}
	all, err := a.client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("listing nodes: %w", err)
	}
	var taken []netip.Prefix
	for _, node := range all.Items {
		if node.Name == name && node.Spec.PodCIDR != "" {
			return nil
		}
		for _, text := range node.Spec.PodCIDRs {
			if p, err := netip.ParsePrefix(text); err == nil {
				taken = append(taken, p)
			}
		}
	}
	free, ok := a.ranges.free(taken)
	if !ok {
		a.events.Eventf(cached, corev1.EventTypeNormal, "CIDRNotAvailable", "Node %s status is now: %s", name, "CIDRNotAvailable")
		return fmt.Errorf("giving node %s a range of pod addresses: none is free in %s; delete nodes that are gone", name, a.ranges.cluster)
	}
	// The API server refuses to change a range that the node has.
	if err := nodeutil.PatchNodeCIDRs(ctx, a.client, types.NodeName(name), []string{free.String()}); err != nil {
		return controller.IgnoreGone(fmt.Errorf("giving node %s the range %s: %w", name, free, err))
	}
	return nil
}
