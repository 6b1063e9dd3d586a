package catalog_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/causeway-access/causeway/internal/route"
)

func TestAgentsAreThoseOfNodesThatSaySo(t *testing.T) {
	on := func(name, node string) *corev1.Pod {
		return &corev1.Pod{ObjectMeta: meta(name), Spec: corev1.PodSpec{NodeName: node}}
	}
	served := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "served"}}
	served.Status.DaemonEndpoints.KubeletEndpoint.Port = 10250
	c, _ := known(t, served, &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "bare"}},
		on("a", "served"), on("b", "bare"), on("c", "unknown"), on("d", ""))
	for pod, want := range map[string]bool{"a": true, "b": false, "c": false, "d": false, "unknown": false} {
		if got := c.HasAgent(&route.Target{Resource: route.Pods, Namespace: "ns", Name: pod}); got != want {
			t.Errorf("pod %s: %v", pod, got)
		}
	}
	if c.HasAgent(&route.Target{Resource: route.Services, Namespace: "ns", Name: "a"}) {
		t.Error("a service has one")
	}
}
