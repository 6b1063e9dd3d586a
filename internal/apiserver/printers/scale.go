package printers

import (
	autoscalingv1 "k8s.io/api/autoscaling/v1"
)

// scale shows the scale subresource of any controller.
func scale() view {
	return viewOf(columns(
		nameColumn(),
		integer("Desired", autoscalingv1.ScaleSpec{}.SwaggerDoc()["replicas"]),
		integer("Available", autoscalingv1.ScaleStatus{}.SwaggerDoc()["replicas"]),
		ageColumn(),
	), func(s *autoscalingv1.Scale) []any {
		return []any{s.Name, int64(s.Spec.Replicas), int64(s.Status.Replicas), age(s.CreationTimestamp)}
	})
}
