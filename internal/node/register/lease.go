package register

import (
	"context"
	"errors"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/component-helpers/apimachinery/lease"
	"k8s.io/utils/clock"
)

const (
	// leaseSeconds is how long the lease counts without a renewal; the control
	// plane gives a node up after that.
	leaseSeconds = 40
	renewal      = 10 * time.Second
)

// renew keeps the node's lease until ctx ends. The lease ends with the Node.
func (n *Node) renew(ctx context.Context) {
	lease.NewController(clock.RealClock{}, n.cfg.Client, n.cfg.Name, leaseSeconds, nil, renewal,
		n.cfg.Name, corev1.NamespaceNodeLease, n.own).Run(ctx)
}

func (n *Node) own(l *coordinationv1.Lease) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.uid == "" {
		return errors.New("the node is not registered yet")
	}
	l.OwnerReferences = []metav1.OwnerReference{{
		APIVersion: "v1", Kind: "Node", Name: n.cfg.Name, UID: n.uid,
	}}
	return nil
}
