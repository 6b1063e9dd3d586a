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

const daemonSetManifest = `
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: log, namespace: default}
spec:
  selector: {matchLabels: {app: log}}
  template:
    metadata: {labels: {app: log, tier: node}}
    spec: {containers: [{name: log, image: "log:1"}]}
`

func TestDaemonSet(t *testing.T) {
	rate := func(unavailable, surge intstr.IntOrString) func(*appsv1.DaemonSet) {
		return func(ds *appsv1.DaemonSet) {
			ds.Spec.UpdateStrategy.RollingUpdate = &appsv1.RollingUpdateDaemonSet{MaxUnavailable: &unavailable, MaxSurge: &surge}
		}
	}
	at, zero := "spec.updateStrategy.rollingUpdate", intstr.FromInt32(0)
	creations(t, apps("daemonsets"), daemonSetManifest, []change[*appsv1.DaemonSet]{
		{"as it is", func(*appsv1.DaemonSet) {}, nil},
		{"name", func(ds *appsv1.DaemonSet) { ds.Name = "A" }, []string{invalid + " metadata.name"}},
		{"no selector", func(ds *appsv1.DaemonSet) { ds.Spec.Selector = nil }, []string{required + " spec.selector"}},
		{"empty selector", func(ds *appsv1.DaemonSet) { ds.Spec.Selector = &metav1.LabelSelector{} }, []string{invalid + " spec.selector"}},
		{"selector of others", func(ds *appsv1.DaemonSet) { ds.Spec.Selector.MatchLabels = map[string]string{"app": "db"} },
			[]string{invalid + " spec.template.metadata.labels"}},
		{"pods that end", func(ds *appsv1.DaemonSet) { ds.Spec.Template.Spec.RestartPolicy = "Never" }, []string{unsupported + " spec.template.spec.restartPolicy"}},
		{"on delete", func(ds *appsv1.DaemonSet) { ds.Spec.UpdateStrategy = appsv1.DaemonSetUpdateStrategy{Type: "OnDelete"} }, nil},
		{"strategy", func(ds *appsv1.DaemonSet) { ds.Spec.UpdateStrategy.Type = "Slowly" }, []string{unsupported + " spec.updateStrategy.type"}},
		{"no rate", func(ds *appsv1.DaemonSet) { ds.Spec.UpdateStrategy.RollingUpdate = nil }, []string{required + " " + at}},
		{"no way to go on", rate(zero, zero), []string{invalid + " " + at + ".maxUnavailable"}},
		{"a new one beside the old one", rate(zero, intstr.FromString("10%")), nil},
		{"beside and instead", rate(intstr.FromInt32(1), intstr.FromInt32(1)), []string{invalid + " " + at + ".maxSurge"}},
		{"more than all", rate(intstr.FromString("101%"), zero), []string{invalid + " " + at + ".maxUnavailable"}},
		{"times below zero", func(ds *appsv1.DaemonSet) {
			ds.Spec.MinReadySeconds, ds.Spec.RevisionHistoryLimit = -1, ptr.To(int32(-1))
		},
			[]string{invalid + " spec.minReadySeconds", invalid + " spec.revisionHistoryLimit"}},
	})
	old := stored[*appsv1.DaemonSet](t, daemonSetManifest)
	old.Status.CollisionCount = ptr.To(int32(1))
	rules := validation.For(apps("daemonsets"))
	updates(t, rules.Update, old, []change[*appsv1.DaemonSet]{
		{"image", func(ds *appsv1.DaemonSet) { ds.Spec.Template.Spec.Containers[0].Image = "log:2" }, nil},
		{"selector", func(ds *appsv1.DaemonSet) { ds.Spec.Selector.MatchLabels["tier"] = "node" }, []string{invalid + " spec.selector"}},
	})
	updates(t, rules.Status, old, []change[*appsv1.DaemonSet]{
		{"below zero", func(ds *appsv1.DaemonSet) { ds.Status.NumberReady, ds.Status.ObservedGeneration = -1, -1 },
			[]string{invalid + " status.numberReady", invalid + " status.observedGeneration"}},
		{"fewer collisions", func(ds *appsv1.DaemonSet) { ds.Status.CollisionCount = nil }, []string{invalid + " status.collisionCount"}},
	})
}

const revisionManifest = `
apiVersion: apps/v1
kind: ControllerRevision
metadata: {name: log-1, namespace: default}
revision: 1
data: {spec: {template: {}}}
`

func TestControllerRevision(t *testing.T) {
	creations(t, apps("controllerrevisions"), revisionManifest, []change[*appsv1.ControllerRevision]{
		{"as it is", func(*appsv1.ControllerRevision) {}, nil},
		{"no data", func(r *appsv1.ControllerRevision) { r.Data.Raw = nil }, []string{required + " data"}},
		{"no object", func(r *appsv1.ControllerRevision) { r.Data.Raw = []byte(`"a"`) }, []string{invalid + " data"}},
		{"below zero", func(r *appsv1.ControllerRevision) { r.Revision = -1 }, []string{invalid + " revision"}},
	})
	old := stored[*appsv1.ControllerRevision](t, revisionManifest)
	updates(t, validation.For(apps("controllerrevisions")).Update, old, []change[*appsv1.ControllerRevision]{
		{"a later number", func(r *appsv1.ControllerRevision) { r.Revision = 2 }, nil},
		{"other data", func(r *appsv1.ControllerRevision) { r.Data.Raw = []byte(`{}`) }, []string{invalid + " data"}},
	})
}
