package daemonset

import (
	"cmp"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/cache"
	schedulinghelper "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
	"k8s.io/klog/v2"

	"github.com/causeway-access/causeway/internal/controller/ownpods"
)

// look is one daemon set with its pods, while it is looked at.
type look struct {
	*keeper
	*appsv1.DaemonSet // a copy of the cached one
	key               cache.ObjectName
	now               time.Time
	// hash names the current template; revision is what keeps it, old those
	// that keep earlier ones.
	hash     string
	revision *appsv1.ControllerRevision
	old      []*appsv1.ControllerRevision
	// spots are the nodes by name, lost the pods for nodes that are not there.
	spots []*spot
	lost  []*corev1.Pod
	pods  []*corev1.Pod
	// due is when a pod will have been ready for long enough; 0 if none will.
	due time.Duration
}

// spot is a node with the pods of the daemon set that are for it.
type spot struct {
	node *corev1.Node
	// wanted says that a pod is to be there, allowed that one that is there may
	// stay: a taint that only keeps new pods away lets it.
	wanted, allowed bool
	pods            []*corev1.Pod // the eldest first
}

// place sorts pods by the nodes that they are for.
func (l *look) place(nodes []*corev1.Node, pods []*corev1.Pod) {
	l.pods = slices.Clone(pods)
	slices.SortFunc(l.pods, func(a, b *corev1.Pod) int {
		return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name))
	})
	at := map[string]*spot{}
	for _, node := range nodes {
		s := &spot{node: node}
		s.wanted, s.allowed = suits(&l.Spec.Template, node)
		at[node.Name] = s
		l.spots = append(l.spots, s)
	}
	slices.SortFunc(l.spots, func(a, b *spot) int { return cmp.Compare(a.node.Name, b.node.Name) })
	for _, pod := range l.pods {
		switch s := at[nodeOf(pod)]; {
		case s != nil:
			s.pods = append(s.pods, pod)
		case pod.Spec.NodeName == "": // else another controller deletes it
			l.lost = append(l.lost, pod)
		}
	}
}

// suits reports whether a node is to have a pod of a template, and whether it
// may keep one.
func suits(template *corev1.PodTemplateSpec, node *corev1.Node) (wanted, allowed bool) {
	if name := template.Spec.NodeName; name != "" && name != node.Name {
		return false, false
	}
	pod := &corev1.Pod{Spec: template.Spec}
	// An affinity that cannot be read matches nothing.
	if ok, err := nodeaffinity.GetRequiredNodeAffinity(pod).Match(node); !ok || err != nil {
		return false, false
	}
	tolerations := tolerationsOf(&template.Spec)
	minds := func(effects ...corev1.TaintEffect) bool {
		_, found := schedulinghelper.FindMatchingUntoleratedTaint(klog.Background(), node.Spec.Taints, tolerations,
			func(t *corev1.Taint) bool { return slices.Contains(effects, t.Effect) }, false)
		return found
	}
	if minds(corev1.TaintEffectNoExecute) {
		return false, false
	}
	return !minds(corev1.TaintEffectNoSchedule), true
}

// nodeOf is the node that a pod is on, or is for.
func nodeOf(pod *corev1.Pod) string {
	if pod.Spec.NodeName != "" {
		return pod.Spec.NodeName
	}
	a := pod.Spec.Affinity
	if a == nil || a.NodeAffinity == nil || a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution == nil {
		return ""
	}
	for _, term := range a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms {
		for _, field := range term.MatchFields {
			if field.Key == nodeNameField && field.Operator == corev1.NodeSelectorOpIn && len(field.Values) == 1 {
				return field.Values[0]
			}
		}
	}
	return ""
}

// running is the pods of a node that have not ended and were not asked to.
func (l *look) running(s *spot) []*corev1.Pod {
	var running []*corev1.Pod
	for _, pod := range s.pods {
		if !ownpods.Ended(pod) && !l.maker.Writes.Leaving(l.key, pod) {
			running = append(running, pod)
		}
	}
	return running
}

// isNew reports that a pod is of the current template.
func (l *look) isNew(pod *corev1.Pod) bool {
	return pod.Labels[appsv1.DefaultDaemonSetUniqueLabelKey] == l.hash
}

// versions is the eldest pod of earlier templates and of the current one.
func (l *look) versions(pods []*corev1.Pod) (old, current *corev1.Pod) {
	for _, pod := range pods {
		switch {
		case l.isNew(pod) && current == nil:
			current = pod
		case !l.isNew(pod) && old == nil:
			old = pod
		}
	}
	return old, current
}

// available reports that a pod has been ready for long enough, and notes when
// it will have been.
func (l *look) available(pod *corev1.Pod) bool {
	ok, left := ownpods.Available(pod, time.Duration(l.Spec.MinReadySeconds)*time.Second, l.now)
	if left > 0 && (l.due == 0 || left < l.due) {
		l.due = left
	}
	return ok
}
