//go:build linux && host

package pods_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/causeway-access/causeway/internal/cluster"
	"github.com/causeway-access/causeway/test/inside"
	"github.com/causeway-access/causeway/test/testcluster"
)

// All stories share a cluster and a node: they differ by the names of their pods.
func TestPodsOfANode(t *testing.T) {
	if !inside.Namespaces(t) {
		return
	}
	n := newNode(t, testcluster.New(t, cluster.Config{}))
	t.Run("stories", func(t *testing.T) {
		for _, story := range []struct {
			name string
			tell func(*testing.T, *node)
		}{
			{"a program runs to its end", runToCompletion},
			{"a pod becomes ready", becomeReady},
		} {
			t.Run(story.name, func(t *testing.T) {
				t.Parallel()
				story.tell(t, n)
			})
		}
	})
}

func runToCompletion(t *testing.T, n *node) {
	pod := n.create(t, shell("completes", "echo hello; echo goodbye > /dev/termination-log", policy(corev1.RestartPolicyNever)))
	done := n.phase(t, pod, corev1.PodSucceeded)
	c := done.Status.ContainerStatuses[0]
	if s := c.State.Terminated; s == nil || s.ExitCode != 0 || s.Reason != "Completed" || s.Message != "goodbye\n" || c.RestartCount != 0 {
		t.Errorf("it ended so: %+v", c)
	}
	if got := n.log(t, pod, "main", 0); got != "hello\n" {
		t.Errorf("its log is %q", got)
	}
	for _, e := range []string{"Pulled: Container image \"host\" already present on machine", "Created: ", "Started: "} {
		n.event(t, pod, e)
	}
	n.delete(t, pod, 20)
	n.gone(t, pod)
}

func becomeReady(t *testing.T, n *node) {
	pod := n.create(t, shell("ready", "sleep 1000"))
	got := n.running(t, pod)
	s := got.Status
	if s.Phase != corev1.PodRunning || s.PodIP == "" || s.HostIP != inside.Address || s.StartTime == nil || s.QOSClass != corev1.PodQOSBestEffort {
		t.Errorf("its status is %+v", s)
	}
	n.delete(t, pod, 0)
	n.gone(t, pod)
}
