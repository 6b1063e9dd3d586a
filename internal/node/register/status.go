package register

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"

	"github.com/causeway-access/causeway/internal/tunnel"
)

const (
	// beat is the time between two looks at the machine.
	beat = 10 * time.Second
	// longestSilence is when a status is written that has not changed.
	longestSilence = 5 * time.Minute
)

// Run renews the lease and keeps the status current until ctx ends. From now
// on the node is ready for pods, if Config.Ready says so.
func (n *Node) Run(ctx context.Context) error {
	n.mu.Lock()
	n.running = true
	n.mu.Unlock()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		n.renew(ctx)
	}()
	defer func() { <-ended }()

	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	for {
		if err := n.beat(ctx); err != nil && ctx.Err() == nil {
			n.cfg.Log.Warn("The node's status is not up to date", "node", n.cfg.Name, "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// beat writes the status if it is not as it should be. A node that somebody has
// deleted comes back: its agent runs.
func (n *Node) beat(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	// Any recent state will do: an old one makes the write a conflict.
	node, err := n.cfg.Client.CoreV1().Nodes().Get(ctx, n.cfg.Name, metav1.GetOptions{ResourceVersion: "0"})
	if apierrors.IsNotFound(err) {
		n.cfg.Log.Warn("The Node object was deleted, making it again", "node", n.cfg.Name)
		return n.attempt(ctx)
	}
	if err != nil {
		return fmt.Errorf("reading the Node object: %w", err)
	}
	n.remember(node)
	return n.writeStatus(ctx, node)
}

func (n *Node) writeStatus(ctx context.Context, node *corev1.Node) error {
	nodes := n.cfg.Client.CoreV1().Nodes()
	err := retry.RetryOnConflict(retry.DefaultRetry, func() error {
		wanted := node.DeepCopy()
		n.fill(&wanted.Status)
		if !due(&node.Status, &wanted.Status) {
			return nil
		}
		written, err := nodes.UpdateStatus(ctx, wanted, metav1.UpdateOptions{})
		if apierrors.IsConflict(err) {
			if latest, getErr := nodes.Get(ctx, n.cfg.Name, metav1.GetOptions{}); getErr == nil {
				node = latest
			}
		}
		if err == nil {
			n.remember(written)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("writing the node's status: %w", err)
	}
	return nil
}

// due tells whether a status is to be written: it has changed, or the last one
// is old.
func due(is, wanted *corev1.NodeStatus) bool {
	for _, c := range wanted.Conditions {
		before := find(is.Conditions, c.Type)
		if before == nil || c.LastHeartbeatTime.Sub(before.LastHeartbeatTime.Time) >= longestSilence {
			return true
		}
	}
	return !equality.Semantic.DeepEqual(timeless(is), timeless(wanted))
}

// timeless is a status without the times of its heartbeats.
func timeless(status *corev1.NodeStatus) *corev1.NodeStatus {
	status = status.DeepCopy()
	for i := range status.Conditions {
		status.Conditions[i].LastHeartbeatTime = metav1.Time{}
	}
	slices.SortFunc(status.Conditions, func(a, b corev1.NodeCondition) int { return cmp.Compare(a.Type, b.Type) })
	return status
}

// fill sets what the agent knows and leaves the rest.
func (n *Node) fill(status *corev1.NodeStatus) {
	status.Capacity, status.Allocatable = n.capacity(), n.Allocatable()
	status.Addresses = n.addresses()
	status.DaemonEndpoints.KubeletEndpoint.Port = n.cfg.Port
	if n.cfg.Images != nil {
		if images := n.cfg.Images(); images != nil {
			status.Images = images
		}
	}
	runtime := status.NodeInfo.ContainerRuntimeVersion
	if n.cfg.Runtime != nil {
		runtime = cmp.Or(n.cfg.Runtime(), runtime)
	}
	status.NodeInfo = n.machine.info
	status.NodeInfo.ContainerRuntimeVersion = runtime
	missing := n.missing()
	for _, c := range n.conditions(missing) {
		set(status, c)
	}
	status.Conditions = slices.DeleteFunc(status.Conditions, func(c corev1.NodeCondition) bool {
		return c.Type == Limited && len(missing) == 0 || c.Type == tunnel.Condition && !n.cfg.Tunnelled
	})
}

// addresses are those by which the cluster reaches the node.
func (n *Node) addresses() []corev1.NodeAddress {
	if n.cfg.Tunnelled {
		return []corev1.NodeAddress{{Type: corev1.NodeHostName, Address: n.cfg.Name}}
	}
	var list []corev1.NodeAddress
	for _, address := range n.cfg.Addresses {
		list = append(list, corev1.NodeAddress{Type: corev1.NodeInternalIP, Address: address.String()})
	}
	return append(list, corev1.NodeAddress{Type: corev1.NodeHostName, Address: n.cfg.Hostname})
}

func (n *Node) capacity() corev1.ResourceList {
	return corev1.ResourceList{
		corev1.ResourceCPU:              *resource.NewQuantity(n.machine.cpus, resource.DecimalSI),
		corev1.ResourceMemory:           *resource.NewQuantity(n.machine.memory, resource.BinarySI),
		corev1.ResourcePods:             *resource.NewQuantity(n.cfg.MaxPods, resource.DecimalSI),
		corev1.ResourceEphemeralStorage: *resource.NewQuantity(n.machine.disk, resource.BinarySI),
	}
}
