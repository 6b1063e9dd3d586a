package tunnel

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/cache"
)

// Nodes is all nodes of the cluster as far as the ways to them go: which have
// tunnels, and which addresses are their pods'. Its zero value knows none.
//
// A node writes its own range when it is made. It is not to take addresses of
// others: an address is of the oldest node in whose range it is.
type Nodes struct {
	// Within is the range of all pods: that of a node which is not in it is not
	// believed. The zero one is no bound.
	Within netip.Prefix

	mu    sync.RWMutex
	moved func(in func(netip.Addr) bool)
	all   map[string]*place
	// at is who has a range, the oldest first, and lengths are those of the ranges.
	at      map[netip.Prefix][]*place
	lengths []int
}

// place is one node.
type place struct {
	name      string
	age       int64 // when it was made
	tunnelled bool
	pods      []netip.Prefix
}

// compare puts older nodes first.
func (p *place) compare(other *place) int {
	return cmp.Or(cmp.Compare(p.age, other.age), cmp.Compare(p.name, other.name))
}

// OnMove has f called when a node goes behind a tunnel or comes out, or its
// pods have other addresses while it is behind one, with what tells the addresses
// there.
func (n *Nodes) OnMove(f func(in func(netip.Addr) bool)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.moved = f
}

// Follow has the nodes be as the informer says.
func (n *Nodes) Follow(nodes cache.SharedIndexInformer) error {
	_, err := nodes.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(o any) { n.Set(o.(*corev1.Node)) },
		UpdateFunc: func(_, o any) { n.Set(o.(*corev1.Node)) },
		DeleteFunc: func(o any) {
			if missed, ok := o.(cache.DeletedFinalStateUnknown); ok {
				o = missed.Obj
			}
			if node, ok := o.(*corev1.Node); ok {
				n.Drop(node.Name)
			}
		},
	})
	if err != nil {
		return fmt.Errorf("watching nodes for the ways to them: %w", err)
	}
	return nil
}

// Set tells of a node that is new or different.
func (n *Nodes) Set(node *corev1.Node) {
	p := &place{name: node.Name, age: node.CreationTimestamp.UnixNano(), tunnelled: Needed(node)}
	for _, text := range node.Spec.PodCIDRs {
		if r, err := netip.ParsePrefix(text); err == nil && n.believes(r) {
			p.pods = append(p.pods, r.Masked())
		}
	}
	n.change(node.Name, p)
}

func (n *Nodes) believes(r netip.Prefix) bool {
	return !n.Within.IsValid() || r.Bits() >= n.Within.Bits() && n.Within.Contains(r.Addr())
}

// Drop tells of a node that is gone.
func (n *Nodes) Drop(node string) { n.change(node, nil) }

func (n *Nodes) change(name string, now *place) {
	n.mu.Lock()
	before := n.all[name]
	if before != nil && now != nil && before.age == now.age && before.tunnelled == now.tunnelled && slices.Equal(before.pods, now.pods) {
		n.mu.Unlock()
		return
	}
	there := append(n.remove(before), n.add(now)...)
	moved := n.moved
	n.mu.Unlock()
	if moved != nil && len(there) > 0 {
		moved(func(a netip.Addr) bool {
			return slices.ContainsFunc(there, func(r netip.Prefix) bool { return r.Contains(a.Unmap()) })
		})
	}
}

// remove returns the ranges that were reached by a tunnel. The caller holds mu.
func (n *Nodes) remove(p *place) (tunnelled []netip.Prefix) {
	if p == nil {
		return nil
	}
	delete(n.all, p.name)
	for _, r := range p.pods {
		n.at[r] = slices.DeleteFunc(n.at[r], func(o *place) bool { return o == p })
		if len(n.at[r]) == 0 {
			delete(n.at, r)
		}
	}
	if p.tunnelled {
		return slices.Clone(p.pods)
	}
	return nil
}

// add returns the ranges that are reached by a tunnel now. The caller holds mu.
func (n *Nodes) add(p *place) (tunnelled []netip.Prefix) {
	if p == nil {
		return nil
	}
	if n.all == nil {
		n.all, n.at = map[string]*place{}, map[netip.Prefix][]*place{}
	}
	n.all[p.name] = p
	for _, r := range p.pods {
		n.at[r] = append(n.at[r], p)
		slices.SortFunc(n.at[r], (*place).compare)
		if !slices.Contains(n.lengths, r.Bits()) {
			n.lengths = append(n.lengths, r.Bits())
		}
	}
	if p.tunnelled {
		return p.pods
	}
	return nil
}

// Known tells whether there is such a node, and whether it has tunnels.
func (n *Nodes) Known(node string) (known, tunnelled bool) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	p := n.all[node]
	return p != nil, p != nil && p.tunnelled
}

// Of is the node whose pods have such addresses, if there is one, and whether it
// has tunnels.
func (n *Nodes) Of(pod netip.Addr) (node string, tunnelled bool) {
	pod = pod.Unmap()
	n.mu.RLock()
	defer n.mu.RUnlock()
	var oldest *place
	for _, bits := range n.lengths {
		r, err := pod.Prefix(bits)
		if err == nil && len(n.at[r]) > 0 && (oldest == nil || n.at[r][0].compare(oldest) < 0) {
			oldest = n.at[r][0]
		}
	}
	if oldest == nil {
		return "", false
	}
	return oldest.name, oldest.tunnelled
}

// Tunnelled is the names of the nodes that have tunnels, and the ranges of their
// pods but those of which an older node has a part, both sorted.
func (n *Nodes) Tunnelled() (names []string, pods []netip.Prefix) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	for _, p := range n.all {
		if !p.tunnelled {
			continue
		}
		names = append(names, p.name)
		for _, r := range p.pods {
			if !n.taken(r, p) {
				pods = append(pods, r)
			}
		}
	}
	slices.Sort(names)
	slices.SortFunc(pods, func(a, b netip.Prefix) int { return cmp.Or(a.Addr().Compare(b.Addr()), a.Bits()-b.Bits()) })
	return names, slices.Compact(pods)
}

// taken tells whether a node that is older has some of a range. The caller holds
// mu.
func (n *Nodes) taken(r netip.Prefix, by *place) bool {
	for other, who := range n.at {
		if other.Overlaps(r) && who[0].compare(by) < 0 {
			return true
		}
	}
	return false
}
