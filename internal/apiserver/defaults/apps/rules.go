package apps

import (
	"maps"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"
)

// What a deployment does when its author says nothing.
const (
	replicas             = int32(1)
	revisionHistoryLimit = int32(10)
	progressDeadline     = int32(600)
	maxAtOnce            = "25%"
	daemonsAtOnce        = int32(1)
)

// SetDefaults_ReplicaSet takes labels from the template, and asks for one
// replica.
func SetDefaults_ReplicaSet(obj *appsv1.ReplicaSet) {
	if len(obj.Labels) == 0 {
		obj.Labels = maps.Clone(obj.Spec.Template.Labels)
	}
	set(&obj.Spec.Replicas, replicas)
}

// SetDefaults_Deployment asks for one replica, for rolling updates of a
// quarter of the pods at a time, and for ten revisions to go back to.
func SetDefaults_Deployment(obj *appsv1.Deployment) {
	set(&obj.Spec.Replicas, replicas)
	set(&obj.Spec.RevisionHistoryLimit, revisionHistoryLimit)
	set(&obj.Spec.ProgressDeadlineSeconds, progressDeadline)
	strategy := &obj.Spec.Strategy
	if strategy.Type == "" {
		strategy.Type = appsv1.RollingUpdateDeploymentStrategyType
	}
	if strategy.Type != appsv1.RollingUpdateDeploymentStrategyType {
		return
	}
	set(&strategy.RollingUpdate, appsv1.RollingUpdateDeployment{})
	set(&strategy.RollingUpdate.MaxUnavailable, intstr.FromString(maxAtOnce))
	set(&strategy.RollingUpdate.MaxSurge, intstr.FromString(maxAtOnce))
}

// SetDefaults_DaemonSet takes labels from the template, asks for rolling updates
// of one node at a time, and for ten revisions to go back to.
func SetDefaults_DaemonSet(obj *appsv1.DaemonSet) {
	if len(obj.Labels) == 0 {
		obj.Labels = maps.Clone(obj.Spec.Template.Labels)
	}
	set(&obj.Spec.RevisionHistoryLimit, revisionHistoryLimit)
	strategy := &obj.Spec.UpdateStrategy
	if strategy.Type == "" {
		strategy.Type = appsv1.RollingUpdateDaemonSetStrategyType
	}
	if strategy.Type != appsv1.RollingUpdateDaemonSetStrategyType {
		return
	}
	set(&strategy.RollingUpdate, appsv1.RollingUpdateDaemonSet{})
	set(&strategy.RollingUpdate.MaxUnavailable, intstr.FromInt32(daemonsAtOnce))
	set(&strategy.RollingUpdate.MaxSurge, intstr.FromInt32(0))
}

// set gives *field a value if it has none.
func set[T any](field **T, value T) {
	if *field == nil {
		*field = ptr.To(value)
	}
}
