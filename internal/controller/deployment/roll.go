package deployment

import (
	"context"

	appsv1 "k8s.io/api/apps/v1"
)

// roll takes a rolling update a step further: as many new pods as may be there
// beside the others, then as many old ones away as may be missing.
func (r *rollout) roll(ctx context.Context) error {
	if err := r.ensureCurrent(ctx); err != nil {
		return err
	}
	if scaled, err := r.scaleTo(ctx, r.current, r.nextSize()); scaled || err != nil {
		return r.withStatus(ctx, err)
	}
	if scaled, err := r.shrinkOld(ctx); scaled || err != nil {
		return r.withStatus(ctx, err)
	}
	return r.finish(ctx)
}

// nextSize is how many pods the current set may have now.
func (r *rollout) nextSize() int32 {
	if r.Spec.Strategy.Type == appsv1.RecreateDeploymentStrategyType {
		return r.replicas()
	}
	has := wanted(r.current)
	if has >= r.replicas() {
		return r.replicas()
	}
	room := max(r.most()-sum(r.all(), wanted), 0)
	return min(has+room, r.replicas())
}

// shrinkOld takes pods away from old sets, first those that are not available
// anyway.
func (r *rollout) shrinkOld(ctx context.Context) (bool, error) {
	if sum(r.old, wanted) == 0 {
		return false, nil
	}
	_, unavailable := r.limits()
	least := r.replicas() - unavailable
	// New pods that are not available yet stand in for none of the old.
	room := sum(r.all(), wanted) - least - (wanted(r.current) - available(r.current))
	scaled := false
	for _, rs := range active(r.old) {
		unhealthy := min(room, wanted(rs)-available(rs))
		if unhealthy <= 0 {
			continue
		}
		if _, err := r.scaleTo(ctx, rs, wanted(rs)-unhealthy); err != nil {
			return true, err
		}
		room -= unhealthy
		scaled = true
	}
	spare := min(room, sum(r.all(), available)-least)
	for _, rs := range active(r.old) {
		leaving := min(spare, wanted(rs))
		if leaving <= 0 {
			break
		}
		if _, err := r.scaleTo(ctx, rs, wanted(rs)-leaving); err != nil {
			return true, err
		}
		spare -= leaving
		scaled = true
	}
	return scaled, nil
}
