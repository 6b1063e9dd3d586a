package validation_test

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"

	"github.com/causeway-access/causeway/internal/apiserver/validation"
)

func apps(resource string) schema.GroupResource {
	return schema.GroupResource{Group: appsv1.GroupName, Resource: resource}
}

const deploymentManifest = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: default}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web, tier: front}}
    spec: {containers: [{name: web, image: "web:1"}]}
`

func rolling(unavailable, surge intstr.IntOrString) func(*appsv1.Deployment) {
	return func(d *appsv1.Deployment) {
		d.Spec.Strategy.RollingUpdate = &appsv1.RollingUpdateDeployment{MaxUnavailable: &unavailable, MaxSurge: &surge}
	}
}

func TestDeployment(t *testing.T) {
	zero := intstr.FromInt32(0)
	creations(t, apps("deployments"), deploymentManifest, []change[*appsv1.Deployment]{
		{"as it is", func(*appsv1.Deployment) {}, nil},
		{"name", func(d *appsv1.Deployment) { d.Name = "A" }, []string{invalid + " metadata.name"}},
		{"replicas", func(d *appsv1.Deployment) { d.Spec.Replicas = ptr.To(int32(-1)) }, []string{invalid + " spec.replicas"}},
		{"no selector", func(d *appsv1.Deployment) { d.Spec.Selector = nil }, []string{required + " spec.selector"}},
		{"empty selector", func(d *appsv1.Deployment) { d.Spec.Selector = &metav1.LabelSelector{} }, []string{invalid + " spec.selector"}},
		{"selector of others", func(d *appsv1.Deployment) { d.Spec.Selector.MatchLabels = map[string]string{"app": "db"} },
			[]string{invalid + " spec.template.metadata.labels"}},
		{"selector that is none", func(d *appsv1.Deployment) {
			d.Spec.Selector.MatchExpressions = []metav1.LabelSelectorRequirement{{Key: "app", Operator: "Like"}}
		}, []string{invalid + " spec.selector", invalid + " spec.selector.matchExpressions[0].operator"}},
		{"no image", func(d *appsv1.Deployment) { d.Spec.Template.Spec.Containers[0].Image = "" },
			[]string{required + " spec.template.spec.containers[0].image"}},
		{"pods that end", func(d *appsv1.Deployment) { d.Spec.Template.Spec.RestartPolicy = "Never" },
			[]string{unsupported + " spec.template.spec.restartPolicy"}},
		{"pods with a deadline", func(d *appsv1.Deployment) { d.Spec.Template.Spec.ActiveDeadlineSeconds = ptr.To(int64(1)) },
			[]string{forbidden + " spec.template.spec.activeDeadlineSeconds"}},
		{"strategy", func(d *appsv1.Deployment) { d.Spec.Strategy.Type = "Slowly" }, []string{unsupported + " spec.strategy.type"}},
		{"recreation at a rate", func(d *appsv1.Deployment) { d.Spec.Strategy.Type = "Recreate" }, []string{forbidden + " spec.strategy.rollingUpdate"}},
		{"no rate", func(d *appsv1.Deployment) { d.Spec.Strategy.RollingUpdate = nil }, []string{required + " spec.strategy.rollingUpdate"}},
		{"no way to go on", rolling(zero, intstr.FromString("0%")), []string{invalid + " spec.strategy.rollingUpdate.maxUnavailable"}},
		{"one at a time", rolling(zero, intstr.FromInt32(1)), nil},
		{"all at once", rolling(intstr.FromString("100%"), zero), nil},
		{"more than all", rolling(intstr.FromString("101%"), zero), []string{invalid + " spec.strategy.rollingUpdate.maxUnavailable"}},
		{"not a rate", rolling(intstr.FromString("few"), intstr.FromInt32(-1)),
			[]string{invalid + " spec.strategy.rollingUpdate.maxSurge", invalid + " spec.strategy.rollingUpdate.maxUnavailable"}},
		{"times below zero", func(d *appsv1.Deployment) {
			d.Spec.MinReadySeconds, d.Spec.RevisionHistoryLimit, d.Spec.ProgressDeadlineSeconds = -1, ptr.To(int32(-1)), ptr.To(int32(-2))
		}, []string{invalid + " spec.minReadySeconds", invalid + " spec.progressDeadlineSeconds", invalid + " spec.revisionHistoryLimit"}},
		{"deadline before a pod can be ready", func(d *appsv1.Deployment) { d.Spec.MinReadySeconds = 600 }, []string{invalid + " spec.progressDeadlineSeconds"}},
	})
}

func TestDeploymentUpdate(t *testing.T) {
	old := stored[*appsv1.Deployment](t, deploymentManifest)
	rules := validation.For(apps("deployments"))
	updates(t, rules.Update, old, []change[*appsv1.Deployment]{
		{"image", func(d *appsv1.Deployment) { d.Spec.Template.Spec.Containers[0].Image = "web:2" }, nil},
		{"selector", func(d *appsv1.Deployment) { d.Spec.Selector.MatchLabels["tier"] = "front" }, []string{invalid + " spec.selector"}},
	})
	old.Status = appsv1.DeploymentStatus{Replicas: 2, UpdatedReplicas: 2, ReadyReplicas: 1, AvailableReplicas: 1, CollisionCount: ptr.To(int32(1))}
	updates(t, rules.Status, old, []change[*appsv1.Deployment]{
		{"as it is", func(*appsv1.Deployment) {}, nil},
		{"parts greater than the whole", func(d *appsv1.Deployment) { d.Status.Replicas = 0 },
			[]string{invalid + " status.availableReplicas", invalid + " status.readyReplicas", invalid + " status.updatedReplicas"}},
		{"available but not ready", func(d *appsv1.Deployment) { d.Status.AvailableReplicas = 2 }, []string{invalid + " status.availableReplicas"}},
		{"below zero", func(d *appsv1.Deployment) {
			d.Status.UnavailableReplicas, d.Status.TerminatingReplicas, d.Status.ObservedGeneration = -1, ptr.To(int32(-1)), -1
		}, []string{invalid + " status.observedGeneration", invalid + " status.terminatingReplicas", invalid + " status.unavailableReplicas"}},
		{"fewer collisions", func(d *appsv1.Deployment) { d.Status.CollisionCount = nil }, []string{invalid + " status.collisionCount"}},
	})
}

const replicaSetManifest = `
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: web, namespace: default}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web, tier: front}}
    spec: {containers: [{name: web, image: "web:1"}]}
`

func TestReplicaSet(t *testing.T) {
	creations(t, apps("replicasets"), replicaSetManifest, []change[*appsv1.ReplicaSet]{
		{"as it is", func(*appsv1.ReplicaSet) {}, nil},
		{"replicas", func(rs *appsv1.ReplicaSet) { rs.Spec.Replicas = ptr.To(int32(-1)) }, []string{invalid + " spec.replicas"}},
		{"min ready", func(rs *appsv1.ReplicaSet) { rs.Spec.MinReadySeconds = -1 }, []string{invalid + " spec.minReadySeconds"}},
		{"no selector", func(rs *appsv1.ReplicaSet) { rs.Spec.Selector = nil }, []string{required + " spec.selector"}},
		{"selector of others", func(rs *appsv1.ReplicaSet) { rs.Spec.Selector.MatchLabels = map[string]string{"app": "db"} },
			[]string{invalid + " spec.template.metadata.labels"}},
	})
	old := stored[*appsv1.ReplicaSet](t, replicaSetManifest)
	rules := validation.For(apps("replicasets"))
	updates(t, rules.Update, old, []change[*appsv1.ReplicaSet]{
		{"replicas", func(rs *appsv1.ReplicaSet) { rs.Spec.Replicas = ptr.To(int32(3)) }, nil},
		{"selector", func(rs *appsv1.ReplicaSet) { rs.Spec.Selector.MatchLabels["tier"] = "front" }, []string{invalid + " spec.selector"}},
	})
	updates(t, rules.Status, old, []change[*appsv1.ReplicaSet]{
		{"more ready than made", func(rs *appsv1.ReplicaSet) { rs.Status.ReadyReplicas = 1 }, []string{invalid + " status.readyReplicas"}},
	})
}
