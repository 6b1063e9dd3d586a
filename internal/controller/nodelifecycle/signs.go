package nodelifecycle

import (
	"sync"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// signs remembers when each node last showed that it lives.
type signs struct {
	mu   *sync.Mutex
	last map[string]sign
}

type sign struct {
	node    types.UID
	renewed time.Time // by the node's clock, compared but not read
	beat    time.Time // the same
	at      time.Time // by ours
}

func newSigns() signs { return signs{mu: &sync.Mutex{}, last: map[string]sign{}} }

func (s signs) forget(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.last, name)
}

// silence is how long ago a node last renewed its lease or wrote its status.
func (s signs) silence(node *corev1.Node, lease *coordinationv1.Lease, now time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := sign{node: node.UID}
	if lease != nil && lease.Spec.RenewTime != nil {
		next.renewed = lease.Spec.RenewTime.Time
	}
	// When this controller gives a node up, it leaves the time of the heartbeat.
	if c := condition(node, corev1.NodeReady); c != nil {
		next.beat = c.LastHeartbeatTime.Time
	}
	last, known := s.last[node.Name]
	if !known || last.node != next.node || !last.renewed.Equal(next.renewed) || !last.beat.Equal(next.beat) {
		next.at = now
		s.last[node.Name] = next
		return 0
	}
	return now.Sub(last.at)
}
