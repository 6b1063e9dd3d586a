package svcproxy

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Key is what clients send to. A node port is at all addresses of the node,
// which is written as the unspecified one.
type Key struct {
	Protocol corev1.Protocol
	Addr     netip.AddrPort
}

func (k Key) String() string { return string(k.Protocol) + " " + k.Addr.String() }

// OfNode reports that it is a port of the node itself.
func (k Key) OfNode() bool { return k.Addr.Addr().IsUnspecified() }

// compare orders keys.
func (k Key) compare(other Key) int {
	return cmp.Or(k.Addr.Compare(other.Addr), cmp.Compare(k.Protocol, other.Protocol))
}

// Rule says where what is sent to Key is to go. It is never changed once made:
// another one takes its place.
type Rule struct {
	Key Key
	// Of is the service, or the pod whose host port it is.
	Of types.NamespacedName
	// Port is the service's and the port's name, for people:
	// NAMESPACE/NAME or NAMESPACE/NAME:PORT.
	Port string
	// Endpoints are where to, sorted and each once. If there are none, what is
	// sent to Key is refused.
	Endpoints []netip.AddrPort
	// Affinity is how long a client that has sent something keeps its endpoint,
	// as long as that is one of Endpoints. Zero means not at all.
	Affinity time.Duration
}

// equal reports whether two rules say the same.
func (r *Rule) equal(other *Rule) bool {
	return r.Key == other.Key && r.Of == other.Of && r.Port == other.Port && r.Affinity == other.Affinity &&
		slices.Equal(r.Endpoints, other.Endpoints)
}

// Changes are the rules that are new or different, and the keys that have none
// any more; both sorted.
type Changes struct {
	Set     []*Rule
	Removed []Key
}

// Empty reports whether nothing has changed.
func (c Changes) Empty() bool { return len(c.Set)+len(c.Removed) == 0 }

func (c Changes) sort() {
	slices.SortFunc(c.Set, func(a, b *Rule) int { return a.Key.compare(b.Key) })
	slices.SortFunc(c.Removed, Key.compare)
}
