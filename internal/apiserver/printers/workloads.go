package printers

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// deployments shows how far the pods are what they are to be.
func deployments() view {
	return viewOf(columns(
		nameColumn(),
		text("Ready", "Number of the pod with ready state"),
		integer("Up-to-date", appsv1.DeploymentStatus{}.SwaggerDoc()["updatedReplicas"]),
		integer("Available", appsv1.DeploymentStatus{}.SwaggerDoc()["availableReplicas"]),
		ageColumn(),
		wide(text("Containers", "Names of each container in the template.")),
		wide(text("Images", "Images referenced by each container in the template.")),
		wide(text("Selector", appsv1.DeploymentSpec{}.SwaggerDoc()["selector"])),
	), func(d *appsv1.Deployment) []any {
		names, images := containersOf(&d.Spec.Template)
		return []any{
			d.Name,
			fmt.Sprintf("%d/%d", d.Status.ReadyReplicas, deref(d.Spec.Replicas)),
			int64(d.Status.UpdatedReplicas), int64(d.Status.AvailableReplicas),
			age(d.CreationTimestamp), names, images, metav1.FormatLabelSelector(d.Spec.Selector),
		}
	})
}

// replicaSets shows how many replicas are wanted, made and ready.
func replicaSets() view {
	return viewOf(columns(
		nameColumn(),
		integer("Desired", appsv1.ReplicaSetSpec{}.SwaggerDoc()["replicas"]),
		integer("Current", appsv1.ReplicaSetStatus{}.SwaggerDoc()["replicas"]),
		integer("Ready", appsv1.ReplicaSetStatus{}.SwaggerDoc()["readyReplicas"]),
		ageColumn(),
		wide(text("Containers", "Names of each container in the template.")),
		wide(text("Images", "Images referenced by each container in the template.")),
		wide(text("Selector", appsv1.ReplicaSetSpec{}.SwaggerDoc()["selector"])),
	), func(rs *appsv1.ReplicaSet) []any {
		names, images := containersOf(&rs.Spec.Template)
		return []any{
			rs.Name,
			int64(deref(rs.Spec.Replicas)), int64(rs.Status.Replicas), int64(rs.Status.ReadyReplicas),
			age(rs.CreationTimestamp), names, images, metav1.FormatLabelSelector(rs.Spec.Selector),
		}
	})
}
