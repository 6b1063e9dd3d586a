package register

import (
	"errors"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/causeway-access/causeway/internal/tunnel"
)

// conditions are those that hold now, given what the machine cannot do. Reasons are the words that kubectl's users
// and their tools know.
func (n *Node) conditions(missing []string) []corev1.NodeCondition {
	use, err := lookAtUse()
	if err == nil && n.cfg.Scarce != nil {
		use.scarce, err = n.cfg.Scarce()
	}
	if err != nil {
		n.cfg.Log.Warn("The machine's use cannot be seen", "error", err)
	}
	now := time.Now()
	list := []corev1.NodeCondition{n.network(), n.ready()}
	for _, p := range pressures {
		list = append(list, n.pressure(p, p.seen(use), now))
	}
	if len(missing) > 0 {
		list = append(list, corev1.NodeCondition{Type: Limited, Status: corev1.ConditionTrue,
			Reason: "MachineLimits", Message: strings.Join(missing, "; ")})
	}
	if n.cfg.Tunnelled {
		list = append(list, corev1.NodeCondition{Type: tunnel.Condition, Status: corev1.ConditionTrue,
			Reason: "NotRoutable", Message: "the node and its pods are reached through connections that the node keeps to the API servers: by the gateway, exec, logs and port-forward, and by TCP from other nodes and their pods"})
	}
	for i := range list {
		list[i].LastHeartbeatTime = metav1.NewTime(now)
	}
	return list
}

var errNotRunning = errors.New("the node's agent is starting")

func (n *Node) ready() corev1.NodeCondition {
	n.mu.Lock()
	running := n.running
	n.mu.Unlock()
	var err error
	switch {
	case !running:
		err = errNotRunning
	case n.cfg.Ready != nil:
		err = n.cfg.Ready()
	}
	if err != nil {
		return corev1.NodeCondition{Type: corev1.NodeReady, Status: corev1.ConditionFalse, Reason: "KubeletNotReady", Message: err.Error()}
	}
	return corev1.NodeCondition{Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "KubeletReady", Message: "the node's agent is ready"}
}

func (n *Node) network() corev1.NodeCondition {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.cidr) == 0 {
		return corev1.NodeCondition{Type: corev1.NodeNetworkUnavailable, Status: corev1.ConditionTrue,
			Reason: "NoPodCIDR", Message: "the node has no range of pod addresses yet"}
	}
	return corev1.NodeCondition{Type: corev1.NodeNetworkUnavailable, Status: corev1.ConditionFalse,
		Reason: "PodCIDRAssigned", Message: "the node has a range of pod addresses"}
}

// find is the condition of that type, or nil.
func find(list []corev1.NodeCondition, kind corev1.NodeConditionType) *corev1.NodeCondition {
	for i := range list {
		if list[i].Type == kind {
			return &list[i]
		}
	}
	return nil
}

// set puts a condition into status. The time of its transition is that of the
// one before if nothing but the explanation changes.
func set(status *corev1.NodeStatus, c corev1.NodeCondition) {
	c.LastTransitionTime = c.LastHeartbeatTime
	before := find(status.Conditions, c.Type)
	if before == nil {
		status.Conditions = append(status.Conditions, c)
		return
	}
	if before.Status == c.Status {
		c.LastTransitionTime = before.LastTransitionTime
	}
	*before = c
}
