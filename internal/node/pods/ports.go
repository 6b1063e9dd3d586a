package pods

import (
	"cmp"
	"net/netip"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/causeway-access/causeway/internal/svcproxy"
	"github.com/causeway-access/causeway/internal/svcproxy/hostport"
)

// HostPorts lead from ports of the node to pods.
type HostPorts interface {
	// Lead has what is sent to the rules' keys go to the pod, in place of what was
	// said of it before; no rules end it. failed, which must not wait, hears of
	// ports that cannot be opened; they are tried again. It does not wait.
	Lead(pod types.UID, rules []*svcproxy.Rule, failed func(*svcproxy.Rule, error))
}

// reasonNodePorts and the text are those of kubelets for a pod that was bound to
// a node without a look at its ports.
const (
	reasonNodePorts   = "NodePorts"
	reasonPortFailed  = "HostPortNotOpen"
	predicateOfPorts  = "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports"
	rejectedBecauseOf = "Pod was rejected: "
)

// claims are the ports of the node that its pods have, led there or with its
// network.
type claims struct {
	mu sync.Mutex
	of map[types.UID][]hostport.Port
}

// take notes a pod's ports, unless another pod has one of them.
func (c *claims) take(pod types.UID, ports []hostport.Port) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for other, theirs := range c.of {
		for _, p := range theirs {
			if other != pod && slices.ContainsFunc(ports, p.Clashes) {
				return false
			}
		}
	}
	c.put(pod, ports)
	return true
}

// put is called with the lock held.
func (c *claims) put(pod types.UID, ports []hostport.Port) {
	if c.of == nil {
		c.of = map[types.UID][]hostport.Port{}
	}
	if len(ports) > 0 {
		c.of[pod] = ports
	}
}

// release frees a pod's ports.
func (c *claims) release(pod types.UID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.of, pod)
}

// keep notes the ports of pods that an earlier agent has let in, whatever it
// thought of them: before any other pod is looked at.
func (c *claims) keep(workers []*worker) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, w := range workers {
		if len(w.adopted) > 0 || w.pod.Status.StartTime != nil {
			w.letIn = true
			if !hasEnded(w.pod) {
				c.put(w.uid, hostport.Of(w.pod))
			}
		}
	}
}

// older orders workers by the age of their pods.
func older(a, b *worker) int {
	return cmp.Or(a.pod.CreationTimestamp.Compare(b.pod.CreationTimestamp.Time), cmp.Compare(a.uid, b.uid))
}

func hasEnded(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
}

// enter lets a pod in whose ports of the node are free. Another one fails: who
// has bound it here has not looked, and it would wait for long.
func (w *worker) enter() bool {
	if w.letIn || w.m.claims.take(w.uid, hostport.Of(w.pod)) {
		w.letIn = true
		return true
	}
	w.verdict = verdict{reason: reasonNodePorts, message: rejectedBecauseOf + predicateOfPorts}
	w.warning(nil, reasonNodePorts, "%s", predicateOfPorts)
	return false
}

// leadPorts has the node's ports lead to the pod's place while that is there.
func (w *worker) leadPorts() {
	var to netip.Addr
	if w.sandbox != nil && w.sandbox.Ready && !w.cleared {
		if i := slices.IndexFunc(w.sandbox.IPs, netip.Addr.Is4); i >= 0 {
			to = w.sandbox.IPs[i]
		}
	}
	w.leadPortsTo(to)
}

// leadPortsTo is leadPorts to an address; the zero one is nowhere.
func (w *worker) leadPortsTo(to netip.Addr) {
	if to == w.led || w.m.config.HostPorts == nil {
		return
	}
	before := w.led
	w.led = to
	var rules []*svcproxy.Rule
	if to.IsValid() {
		rules = hostport.Rules(w.pod, to)
	}
	if len(rules) == 0 && !before.IsValid() {
		return
	}
	pod := w.pod
	w.m.config.HostPorts.Lead(w.uid, rules, func(rule *svcproxy.Rule, err error) {
		w.m.event(pod, "", corev1.EventTypeWarning, reasonPortFailed, "Port %s of the node does not lead to the pod, and is tried again: %v", rule.Key, err)
	})
}
