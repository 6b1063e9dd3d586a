package validation_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

func TestReplicationController(t *testing.T) {
	s := podScheme(t)
	for _, c := range []struct {
		name   string
		change func(*corev1.ReplicationController)
		want   []string
	}{
		{"valid", func(*corev1.ReplicationController) {}, nil},
		{"name", func(rc *corev1.ReplicationController) { rc.Name = "A" }, []string{"metadata.name: Invalid value"}},
		{"replicas", func(rc *corev1.ReplicationController) { rc.Spec.Replicas = ptr.To(int32(-1)) }, []string{"spec.replicas: Invalid value"}},
		{"no replicas", func(rc *corev1.ReplicationController) { rc.Spec.Replicas = nil }, []string{"spec.replicas: Required value"}},
		{"min ready", func(rc *corev1.ReplicationController) { rc.Spec.MinReadySeconds = -1 }, []string{"spec.minReadySeconds: Invalid value"}},
		{"no selector", func(rc *corev1.ReplicationController) { rc.Spec.Selector = nil }, []string{"spec.selector: Required value"}},
		{"selector of others", func(rc *corev1.ReplicationController) { rc.Spec.Selector = map[string]string{"app": "x"} },
			[]string{"spec.template.metadata.labels: Invalid value"}},
		{"no template", func(rc *corev1.ReplicationController) { rc.Spec.Template = nil }, []string{"spec.template: Required value"}},
		{"template that ends", func(rc *corev1.ReplicationController) { rc.Spec.Template.Spec.RestartPolicy = "Never" },
			[]string{"spec.template.spec.restartPolicy: Unsupported value"}},
		{"template with a deadline", func(rc *corev1.ReplicationController) { rc.Spec.Template.Spec.ActiveDeadlineSeconds = ptr.To(int64(1)) },
			[]string{"spec.template.spec.activeDeadlineSeconds: Forbidden"}},
		{"template with no image", func(rc *corev1.ReplicationController) { rc.Spec.Template.Spec.Containers[0].Image = "" },
			[]string{"spec.template.spec.containers[0].image: Required value"}},
		{"template on the host's network", func(rc *corev1.ReplicationController) { rc.Spec.Template.Spec.HostNetwork = true }, nil},
		{"template with an ephemeral container", func(rc *corev1.ReplicationController) {
			rc.Spec.Template.Spec.EphemeralContainers = []corev1.EphemeralContainer{debugger("d")}
		}, []string{"spec.template.spec.ephemeralContainers: Forbidden"}},
		{"template annotations", func(rc *corev1.ReplicationController) { rc.Spec.Template.Annotations = map[string]string{"a b": ""} },
			[]string{"spec.template.metadata.annotations: Invalid value"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			pod := validPod(t, s)
			rc := &corev1.ReplicationController{
				ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "default"},
				Spec:       corev1.ReplicationControllerSpec{Template: &corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: pod.Labels}, Spec: pod.Spec}},
			}
			s.Default(rc)
			c.change(rc)
			wantFaults(t, rulesOf("replicationcontrollers").Create(rc), c.want...)
			stored := rc.DeepCopy()
			stored.ResourceVersion = "1"
			wantFaults(t, rulesOf("replicationcontrollers").Update(stored, stored.DeepCopy()), c.want...)
		})
	}
}

func TestReplicationControllerStatus(t *testing.T) {
	rc := &corev1.ReplicationController{ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "default", ResourceVersion: "1"}}
	rc.Status = corev1.ReplicationControllerStatus{Replicas: 1, ReadyReplicas: 1, AvailableReplicas: 2, FullyLabeledReplicas: -1}
	wantFaults(t, rulesOf("replicationcontrollers").Status(rc, rc),
		"status.availableReplicas: Invalid value", "status.availableReplicas: Invalid value", "status.fullyLabeledReplicas: Invalid value")
}
