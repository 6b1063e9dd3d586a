package printers_test

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"
)

func TestWorkloads(t *testing.T) {
	selector := &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}}
	template := corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "a", Image: "a:1"}, {Name: "b", Image: "b:2"}}}}
	looks(t, in("apps", "deployments"), func() runtime.Object {
		return &appsv1.Deployment{ObjectMeta: born("web"),
			Spec:   appsv1.DeploymentSpec{Replicas: ptr.To(int32(3)), Selector: selector, Template: template},
			Status: appsv1.DeploymentStatus{ReadyReplicas: 2, UpdatedReplicas: 1, AvailableReplicas: 1}}
	},
		"NAME | READY | UP-TO-DATE | AVAILABLE | AGE | [CONTAINERS] | [IMAGES] | [SELECTOR]",
		"web | 2/3 | 1 | 1 | 60m | a,b | a:1,b:2 | app=web")
	looks(t, in("apps", "replicasets"), func() runtime.Object {
		return &appsv1.ReplicaSet{ObjectMeta: born("web-1"),
			Spec:   appsv1.ReplicaSetSpec{Replicas: ptr.To(int32(3)), Selector: selector, Template: template},
			Status: appsv1.ReplicaSetStatus{Replicas: 2, ReadyReplicas: 1}}
	},
		"NAME | DESIRED | CURRENT | READY | AGE | [CONTAINERS] | [IMAGES] | [SELECTOR]",
		"web-1 | 3 | 2 | 1 | 60m | a,b | a:1,b:2 | app=web")
}
