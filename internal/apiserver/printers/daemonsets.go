package printers

import (
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// daemonSets shows on how many nodes a pod is wanted, is, and is of use.
func daemonSets() view {
	doc := appsv1.DaemonSetStatus{}.SwaggerDoc()
	return viewOf(columns(
		nameColumn(),
		integer("Desired", doc["desiredNumberScheduled"]),
		integer("Current", doc["currentNumberScheduled"]),
		integer("Ready", doc["numberReady"]),
		integer("Up-to-date", doc["updatedNumberScheduled"]),
		integer("Available", doc["numberAvailable"]),
		text("Node Selector", "The nodes that pods of the template can be on."),
		ageColumn(),
		wide(text("Containers", "Names of each container in the template.")),
		wide(text("Images", "Images referenced by each container in the template.")),
		wide(text("Selector", appsv1.DaemonSetSpec{}.SwaggerDoc()["selector"])),
	), func(ds *appsv1.DaemonSet) []any {
		names, images := containersOf(&ds.Spec.Template)
		s := &ds.Status
		return []any{
			ds.Name, int64(s.DesiredNumberScheduled), int64(s.CurrentNumberScheduled), int64(s.NumberReady),
			int64(s.UpdatedNumberScheduled), int64(s.NumberAvailable),
			metav1.FormatLabelSelector(&metav1.LabelSelector{MatchLabels: ds.Spec.Template.Spec.NodeSelector}),
			age(ds.CreationTimestamp), names, images, metav1.FormatLabelSelector(ds.Spec.Selector),
		}
	})
}

// controllerRevisions shows whose history a revision is part of.
func controllerRevisions() view {
	return viewOf(columns(
		nameColumn(),
		text("Controller", "Controller of the object"),
		integer("Revision", appsv1.ControllerRevision{}.SwaggerDoc()["revision"]),
		ageColumn(),
	), func(r *appsv1.ControllerRevision) []any {
		owner := none
		if ref := metav1.GetControllerOf(r); ref != nil {
			owner = controllerName(ref)
		}
		return []any{r.Name, owner, r.Revision, age(r.CreationTimestamp)}
	})
}

// controllerName is an owner as kubectl takes it: its kind, group and name.
func controllerName(ref *metav1.OwnerReference) string {
	kind := schema.FromAPIVersionAndKind(ref.APIVersion, strings.ToLower(ref.Kind)).GroupKind()
	return kind.String() + "/" + ref.Name
}
