package daemonset

import (
	"context"
	"errors"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/causeway-access/causeway/internal/controller/ownpods"
)

// atOnce bounds the pods made before a daemon set is looked at again.
const atOnce = 250

// plan is what is to be done now.
type plan struct {
	creations []string // nodes
	deletions []*corev1.Pod
}

func (p *plan) nothing() bool { return len(p.creations)+len(p.deletions) == 0 }

// work does what is due now. Each write brings the daemon set back for the next.
func (l *look) work(ctx context.Context) error {
	p := l.repair()
	if p.nothing() && l.Spec.UpdateStrategy.Type == appsv1.RollingUpdateDaemonSetStrategyType {
		p = l.roll()
	}
	if p.nothing() {
		return l.clean(ctx)
	}
	deleted := ownpods.InParallel(p.deletions, func(pod *corev1.Pod) error { return l.maker.Delete(ctx, l.DaemonSet, pod) })
	made := ownpods.InBatches(p.creations[:min(len(p.creations), atOnce)], func(node string) error {
		return l.maker.Create(ctx, l.DaemonSet, l.newPod(node))
	})
	return errors.Join(deleted, made)
}

// repair finds the nodes without a pod that is wanted, and the pods that have
// ended, that are where none is allowed, or that are too many. A node whose pod
// is about to go gets the next when it is gone.
func (l *look) repair() plan {
	p := plan{deletions: l.notLeaving(l.lost)}
	for _, s := range l.spots {
		switch {
		case !s.allowed:
			p.deletions = append(p.deletions, l.notLeaving(s.pods)...)
		case len(s.pods) == 0 && s.wanted:
			p.creations = append(p.creations, s.node.Name)
		default:
			p.deletions = append(p.deletions, l.ended(s)...)
			p.deletions = append(p.deletions, l.surplus(l.running(s))...)
		}
	}
	return p
}

func (l *look) notLeaving(pods []*corev1.Pod) []*corev1.Pod {
	var staying []*corev1.Pod
	for _, pod := range pods {
		if !l.maker.Writes.Leaving(l.key, pod) {
			staying = append(staying, pod)
		}
	}
	return staying
}

// ended is the pods of a node that have ended and are to make room for another.
// Those that fail again and again do so more and more slowly.
func (l *look) ended(s *spot) []*corev1.Pod {
	l.failures.GC()
	var ended []*corev1.Pod
	for _, pod := range l.notLeaving(s.pods) {
		switch pod.Status.Phase {
		case corev1.PodSucceeded:
			l.events.Eventf(l.DaemonSet, corev1.EventTypeNormal, "SucceededDaemonPod",
				"Found succeeded daemon pod %s/%s on node %s, will try to delete it", pod.Namespace, pod.Name, s.node.Name)
		case corev1.PodFailed:
			id := string(l.UID) + "/" + l.hash + "/" + s.node.Name
			if l.failures.IsInBackOffSinceUpdate(id, l.now) {
				l.loop.AddAfter(l.key, l.failures.Get(id))
				continue
			}
			l.failures.Next(id, l.now)
			l.events.Eventf(l.DaemonSet, corev1.EventTypeWarning, "FailedDaemonPod",
				"Found failed daemon pod %s/%s on node %s, will try to kill it", pod.Namespace, pod.Name, s.node.Name)
		default:
			continue
		}
		ended = append(ended, pod)
	}
	return ended
}

// surplus is the pods of a node beyond the one that it is to have, which is the
// eldest; beyond one of each template during an update that makes the new one
// first, until that is available.
func (l *look) surplus(pods []*corev1.Pod) []*corev1.Pod {
	if len(pods) < 2 {
		return nil
	}
	keep := pods[0]
	var beside *corev1.Pod
	if surge, _ := l.limits(); surge > 0 {
		old, current := l.versions(pods)
		switch {
		case current == nil:
		case old == nil || l.available(current):
			keep = current
		default:
			keep, beside = old, current
		}
	}
	var surplus []*corev1.Pod
	for _, pod := range pods {
		if pod != keep && pod != beside {
			surplus = append(surplus, pod)
		}
	}
	return surplus
}
