package scheduler

import (
	"cmp"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	resourcehelper "k8s.io/component-helpers/resource"
)

// What a container that requests nothing is taken to need when nodes are
// compared (not when it is decided whether it fits), so that such pods do not
// all go to one node. The values are those of Kubernetes.
var (
	usualCPU    = resource.MustParse("100m")
	usualMemory = resource.MustParse("200Mi")
)

// resident is a pod that is on a node, or seeks one.
type resident struct {
	pod      *corev1.Pod
	node     string
	requests corev1.ResourceList
	// usual is requests with what is usual where nothing is requested.
	usual corev1.ResourceList
}

func newResident(pod *corev1.Pod, node string) *resident {
	return &resident{
		pod: pod, node: node,
		requests: resourcehelper.PodRequests(pod, resourcehelper.PodResourcesOptions{UseStatusResources: true}),
		usual: resourcehelper.PodRequests(pod, resourcehelper.PodResourcesOptions{UseStatusResources: true,
			NonMissingContainerRequests: corev1.ResourceList{corev1.ResourceCPU: usualCPU, corev1.ResourceMemory: usualMemory}}),
	}
}

// spot is a node with the pods on it.
type spot struct {
	node     *corev1.Node
	pods     []*resident
	requests corev1.ResourceList
	usual    corev1.ResourceList
}

func byName(a, b *spot) int { return cmp.Compare(a.node.Name, b.node.Name) }

func (s *spot) add(r *resident) {
	s.pods = append(s.pods, r)
	s.requests, s.usual = plus(s.requests, r.requests), plus(s.usual, r.usual)
}

func plus(sum, list corev1.ResourceList) corev1.ResourceList {
	if sum == nil {
		sum = corev1.ResourceList{}
	}
	for name, quantity := range list {
		total := sum[name]
		total.Add(quantity)
		sum[name] = total
	}
	return sum
}

// view is all nodes at one moment, sorted by name.
type view struct{ spots []*spot }

// filter returns the nodes that can take a pod, and why the others cannot.
func (v *view) filter(seeker *resident) ([]*spot, *misfits) {
	misfits := &misfits{nodes: len(v.spots)}
	filters := []func(*spot) []string{
		schedulable(seeker), tolerated(seeker), selected(seeker), freePorts(seeker), roomy(seeker),
		v.evenlySpread(seeker), v.beside(seeker),
	}
	var fitting []*spot
	for _, spot := range v.spots {
		var reasons []string
		for _, fits := range filters {
			if reasons = fits(spot); len(reasons) > 0 {
				break
			}
		}
		if len(reasons) == 0 {
			fitting = append(fitting, spot)
		}
		misfits.add(reasons)
	}
	return fitting, misfits
}
