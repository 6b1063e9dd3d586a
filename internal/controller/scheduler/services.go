package scheduler

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// servicesOf is the selectors of the services that lead to a pod.
func (s *scheduler) servicesOf(pod *corev1.Pod) ([]labels.Selector, error) {
	services, err := s.services.Services(pod.Namespace).List(labels.Everything())
	if err != nil {
		return nil, fmt.Errorf("listing services: %w", err)
	}
	var selectors []labels.Selector
	for _, service := range services {
		if len(service.Spec.Selector) == 0 {
			continue
		}
		if selector := labels.SelectorFromSet(service.Spec.Selector); selector.Matches(labels.Set(pod.Labels)) {
			selectors = append(selectors, selector)
		}
	}
	return selectors, nil
}
