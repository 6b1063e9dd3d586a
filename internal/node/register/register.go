package register

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
)

// patience is the time between attempts: it doubles from a fifth of a second
// to seven seconds, each a little different between nodes that start at once.
func patience() wait.Backoff {
	return wait.Backoff{Duration: 200 * time.Millisecond, Factor: 2, Jitter: 0.2, Steps: 1000, Cap: 7 * time.Second}
}

// requestTimeout bounds one exchange with the API server.
const requestTimeout = 10 * time.Second

// Register makes the Node object, or brings it up to date if it is there. The
// node does not take pods before [Node.Run]. What fails is tried again until
// ctx ends; the error then says what failed last.
func (n *Node) Register(ctx context.Context) error {
	for backoff := patience(); ; {
		err := n.attempt(ctx)
		if err == nil {
			return nil
		}
		n.cfg.Log.Warn("The node is not registered yet", "node", n.cfg.Name, "error", err)
		select {
		case <-ctx.Done():
			return fmt.Errorf("registering node %s: %w", n.cfg.Name, err)
		case <-time.After(backoff.Step()):
		}
	}
}

func (n *Node) attempt(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	node, err := n.ensure(ctx)
	if err != nil {
		return err
	}
	return n.writeStatus(ctx, node)
}

// ensure returns the Node object, made if it is not there, with our labels.
func (n *Node) ensure(ctx context.Context) (*corev1.Node, error) {
	nodes := n.cfg.Client.CoreV1().Nodes()
	node, err := nodes.Get(ctx, n.cfg.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		node, err = nodes.Create(ctx, n.object(), metav1.CreateOptions{})
		if err != nil {
			return nil, fmt.Errorf("making the Node object: %w", err)
		}
		n.remember(node)
		return node, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the Node object: %w", err)
	}
	wanted := node.DeepCopy()
	if wanted.Labels == nil {
		wanted.Labels = map[string]string{}
	}
	maps.Copy(wanted.Labels, n.labels())
	if !maps.Equal(wanted.Labels, node.Labels) {
		if node, err = nodes.Update(ctx, wanted, metav1.UpdateOptions{}); err != nil {
			return nil, fmt.Errorf("setting the node's labels: %w", err)
		}
	}
	n.remember(node)
	return node, nil
}

// object is the Node to make. If it has been deleted while its pods run here,
// it gets the range of addresses that they have.
func (n *Node) object() *corev1.Node {
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: n.cfg.Name, Labels: n.labels()}}
	n.mu.Lock()
	if len(n.cidr) > 0 {
		node.Spec.PodCIDR, node.Spec.PodCIDRs = n.cidr[0], n.cidr
	}
	n.mu.Unlock()
	n.fill(&node.Status)
	return node
}

// remember keeps what the cluster decides about the node.
func (n *Node) remember(node *corev1.Node) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.uid = node.UID
	if len(node.Spec.PodCIDRs) > 0 {
		n.cidr = node.Spec.PodCIDRs
	}
}

// PodCIDR waits until the control plane has given the node a range of
// addresses for its pods, and returns the first.
func (n *Node) PodCIDR(ctx context.Context) (netip.Prefix, error) {
	for backoff := patience(); ; {
		prefix, err := n.askPodCIDR(ctx)
		if err == nil {
			return prefix, nil
		}
		n.cfg.Log.Debug("Waiting for the range of pod addresses", "node", n.cfg.Name, "reason", err)
		select {
		case <-ctx.Done():
			return netip.Prefix{}, fmt.Errorf("waiting for the range of pod addresses of node %s: %w", n.cfg.Name, err)
		case <-time.After(backoff.Step()):
		}
	}
}

func (n *Node) askPodCIDR(ctx context.Context) (netip.Prefix, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	node, err := n.cfg.Client.CoreV1().Nodes().Get(ctx, n.cfg.Name, metav1.GetOptions{})
	if err != nil {
		return netip.Prefix{}, err
	}
	n.remember(node)
	if node.Spec.PodCIDR == "" {
		return netip.Prefix{}, fmt.Errorf("it has none yet: see the events of node %s, and whether the controllers run", n.cfg.Name)
	}
	return netip.ParsePrefix(node.Spec.PodCIDR)
}
