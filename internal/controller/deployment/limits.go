package deployment

import (
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

func (r *rollout) replicas() int32 {
	if r.Spec.Replicas == nil {
		return 1
	}
	return *r.Spec.Replicas
}

// limits is how many pods there may be above the wanted number during an
// update, and how many of them may be missing. A percentage is rounded up for
// the first and down for the second; if that leaves neither, one pod may be
// missing, or the update could not go on.
func (r *rollout) limits() (surge, unavailable int32) {
	if r.Spec.Strategy.Type != appsv1.RollingUpdateDeploymentStrategyType || r.Spec.Strategy.RollingUpdate == nil {
		return 0, 0
	}
	rolling := r.Spec.Strategy.RollingUpdate
	surge = scaled(rolling.MaxSurge, r.replicas(), true)
	unavailable = scaled(rolling.MaxUnavailable, r.replicas(), false)
	if surge == 0 && unavailable == 0 {
		unavailable = 1
	}
	return surge, min(unavailable, r.replicas())
}

// scaled resolves a number or percentage; what is neither was refused when the
// deployment was written, and counts as nothing.
func scaled(v *intstr.IntOrString, of int32, up bool) int32 {
	n, err := intstr.GetScaledValueFromIntOrPercent(intstr.ValueOrDefault(v, intstr.FromInt32(0)), int(of), up)
	if err != nil {
		return 0
	}
	return int32(n)
}

// most is how many pods there may be at once.
func (r *rollout) most() int32 {
	surge, _ := r.limits()
	return r.replicas() + surge
}
