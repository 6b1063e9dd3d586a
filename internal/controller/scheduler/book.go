package scheduler

import (
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
)

// book is what is on which node: what the caches say, and the placements that
// they have not seen yet.
type book struct {
	mu     sync.Mutex
	nodes  map[string]*corev1.Node
	placed map[types.UID]*resident
	on     map[string]map[types.UID]*resident
}

func newBook() *book {
	return &book{nodes: map[string]*corev1.Node{}, placed: map[types.UID]*resident{}, on: map[string]map[types.UID]*resident{}}
}

func (b *book) putNode(node *corev1.Node) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.nodes[node.Name] = node
}

func (b *book) dropNode(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.nodes, name)
}

// putPod notes where a pod is. It reports true if that makes room for others.
func (b *book) putPod(pod *corev1.Pod) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if pod.Spec.NodeName == "" {
		return false // if it is placed, the cache does not know it yet
	}
	before := b.placed[pod.UID]
	b.drop(pod.UID)
	if ended(pod) {
		return before != nil
	}
	b.put(pod, pod.Spec.NodeName)
	return before == nil || !labels.Equals(before.pod.Labels, pod.Labels)
}

func (b *book) put(pod *corev1.Pod, node string) {
	r := newResident(pod, node)
	b.placed[pod.UID] = r
	if b.on[node] == nil {
		b.on[node] = map[types.UID]*resident{}
	}
	b.on[node][pod.UID] = r
}

func (b *book) dropPod(uid types.UID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.drop(uid)
}

func (b *book) drop(uid types.UID) {
	r := b.placed[uid]
	if r == nil {
		return
	}
	delete(b.placed, uid)
	delete(b.on[r.node], uid)
	if len(b.on[r.node]) == 0 {
		delete(b.on, r.node)
	}
}

func (b *book) has(uid types.UID) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.placed[uid] != nil
}

// place finds the best node for a pod and notes the pod there; or it returns
// "" and why no node can take it. The services are those that lead to the pod.
func (b *book) place(pod *corev1.Pod, services []labels.Selector) (string, *misfits) {
	b.mu.Lock()
	defer b.mu.Unlock()
	v := b.view()
	seeker := newResident(pod, "")
	fitting, misfits := v.filter(seeker)
	if len(fitting) == 0 {
		return "", misfits
	}
	best := v.best(seeker, fitting, services)
	b.put(pod, best.node.Name)
	return best.node.Name, nil
}

// view is the nodes with what is on them, by name.
func (b *book) view() *view {
	v := &view{}
	for name, node := range b.nodes {
		spot := &spot{node: node}
		for _, r := range b.on[name] {
			spot.add(r)
		}
		v.spots = append(v.spots, spot)
	}
	slices.SortFunc(v.spots, byName)
	return v
}
