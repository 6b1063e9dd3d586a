package scheduler

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// term is one required affinity of a pod to others, or to the absence of others.
type term struct {
	key        string
	selector   labels.Selector
	namespaces []string // nil: all
}

// terms reads the affinity terms of a pod. A selector of namespaces stands for
// all of them if it is empty; one by labels is not known here and finds none.
func terms(pod *corev1.Pod, list []corev1.PodAffinityTerm) []term {
	var result []term
	for i := range list {
		t := term{key: list[i].TopologyKey, namespaces: list[i].Namespaces}
		var err error
		if t.selector, err = metav1.LabelSelectorAsSelector(list[i].LabelSelector); err != nil {
			t.selector = labels.Nothing()
		}
		for _, key := range list[i].MatchLabelKeys {
			if value, ok := pod.Labels[key]; ok {
				own, _ := labels.SelectorFromSet(labels.Set{key: value}).Requirements()
				t.selector = t.selector.Add(own...)
			}
		}
		switch any := list[i].NamespaceSelector; {
		case any != nil && len(any.MatchLabels)+len(any.MatchExpressions) == 0:
			t.namespaces = nil
		case any == nil && len(t.namespaces) == 0:
			t.namespaces = []string{pod.Namespace}
		case len(t.namespaces) == 0:
			t.namespaces = []string{""} // no namespace's name
		}
		result = append(result, t)
	}
	return result
}

func (t term) matches(pod *corev1.Pod) bool {
	return (t.namespaces == nil || slices.Contains(t.namespaces, pod.Namespace)) && t.selector.Matches(labels.Set(pod.Labels))
}

func requiredTogether(pod *corev1.Pod) []term {
	if a := pod.Spec.Affinity; a != nil && a.PodAffinity != nil {
		return terms(pod, a.PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution)
	}
	return nil
}

func requiredApart(pod *corev1.Pod) []term {
	if a := pod.Spec.Affinity; a != nil && a.PodAntiAffinity != nil {
		return terms(pod, a.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution)
	}
	return nil
}

// domain is a place of a topology: a host, a zone.
type domain struct{ key, value string }

// beside wants a node in whose domains are the pods that this one must be with,
// and none that it must not be with or that must not be with it.
func (v *view) beside(seeker *resident) func(*spot) []string {
	together, apart := requiredTogether(seeker.pod), requiredApart(seeker.pod)
	friends := make([]map[domain]bool, len(together))
	anywhere := false
	foes, closed := map[domain]bool{}, map[domain]bool{}
	for i := range friends {
		friends[i] = map[domain]bool{}
	}
	for _, s := range v.spots {
		for _, r := range s.pods {
			for i, t := range together {
				if t.matches(r.pod) {
					anywhere = true
					note(friends[i], s.node, t.key)
				}
			}
			for _, t := range apart {
				if t.matches(r.pod) {
					note(foes, s.node, t.key)
				}
			}
			for _, t := range requiredApart(r.pod) {
				if t.matches(seeker.pod) {
					note(closed, s.node, t.key)
				}
			}
		}
	}
	// The first of pods that want to be together finds none of them.
	first := !anywhere && !slices.ContainsFunc(together, func(t term) bool { return !t.matches(seeker.pod) })
	return func(s *spot) []string {
		for i, t := range together {
			at, ok := domainOf(s.node, t.key)
			if !ok || (!first && !friends[i][at]) {
				return []string{"node(s) didn't match pod affinity rules"}
			}
		}
		for _, t := range apart {
			if at, ok := domainOf(s.node, t.key); ok && foes[at] {
				return []string{"node(s) didn't match pod anti-affinity rules"}
			}
		}
		for at := range closed {
			if s.node.Labels[at.key] == at.value {
				return []string{"node(s) didn't satisfy existing pods anti-affinity rules"}
			}
		}
		return nil
	}
}

func domainOf(node *corev1.Node, key string) (domain, bool) {
	value, ok := node.Labels[key]
	return domain{key, value}, ok
}

func note(places map[domain]bool, node *corev1.Node, key string) {
	if at, ok := domainOf(node, key); ok {
		places[at] = true
	}
}
