package daemonset

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// roll takes a rolling update a step further.
func (l *look) roll() plan {
	surge, unavailable := l.limits()
	if surge > 0 {
		return l.rollBeside(surge)
	}
	return l.rollInstead(unavailable)
}

// limits is how many nodes may have an old and a new pod at a time, or how many
// may be without an available one. Percentages are rounded up.
func (l *look) limits() (surge, unavailable int) {
	rolling := l.Spec.UpdateStrategy.RollingUpdate
	if rolling == nil {
		return 0, 1
	}
	wanted := 0
	for _, s := range l.spots {
		if s.wanted {
			wanted++
		}
	}
	surge, unavailable = scaled(rolling.MaxSurge, wanted), scaled(rolling.MaxUnavailable, wanted)
	if surge == 0 && unavailable == 0 {
		unavailable = 1
	}
	return surge, unavailable
}

// scaled resolves a number or percentage; what is neither was refused when the
// daemon set was written, and counts as nothing.
func scaled(v *intstr.IntOrString, of int) int {
	n, err := intstr.GetScaledValueFromIntOrPercent(intstr.ValueOrDefault(v, intstr.FromInt32(0)), of, true)
	if err != nil {
		return 0
	}
	return n
}

// rollInstead deletes old pods, which are followed by new ones: all that are of
// no use, and of the others as many as may be missing.
func (l *look) rollInstead(limit int) plan {
	missing := 0
	var p plan
	var useful []*corev1.Pod
	for _, s := range l.spots {
		if !s.wanted {
			continue
		}
		switch old, current := l.versions(l.running(s)); {
		case current != nil:
			if !l.available(current) {
				missing++
			}
		case old == nil:
			missing++
		case l.available(old):
			useful = append(useful, old)
		default:
			missing++
			p.deletions = append(p.deletions, old)
		}
	}
	room := max(limit-missing, 0)
	p.deletions = append(p.deletions, useful[:min(room, len(useful))]...)
	return p
}

// rollBeside makes new pods beside old ones: for all that are of no use, and for
// as many of the others as may have one. The old one goes when the new one is
// available, see surplus.
func (l *look) rollBeside(limit int) plan {
	doubled := 0
	var p plan
	var useful []string
	for _, s := range l.spots {
		if !s.wanted {
			continue
		}
		switch old, current := l.versions(l.running(s)); {
		case old == nil:
		case current != nil:
			doubled++
		case l.available(old):
			useful = append(useful, s.node.Name)
		default:
			p.creations = append(p.creations, s.node.Name)
		}
	}
	room := max(limit-doubled, 0)
	p.creations = append(p.creations, useful[:min(room, len(useful))]...)
	return p
}
