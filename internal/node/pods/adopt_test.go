//go:build linux && host

package pods_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
)

// adopt is told when no other story is.
func adopt(t *testing.T, n *node) {
	keeps := n.create(t, shell("keeps-running", "echo x >> /v/x; sleep 1000", setup("once", "echo i >> /v/i"), volume))
	ends := n.create(t, shell("ends-meanwhile", "while ! test -f /v/end; do sleep 0.05; done; exit 6", policy(corev1.RestartPolicyNever), volume))
	goes := n.create(t, shell("goes-meanwhile", "sleep 1000"))
	asked := n.create(t, shell("asked-meanwhile", "trap 'exit 0' TERM; while true; do sleep 0.05; done"))
	done := n.create(t, shell("done-before", "exit 0", policy(corev1.RestartPolicyNever)))
	before := n.running(t, keeps)
	for _, pod := range []*corev1.Pod{ends, goes, asked} {
		n.running(t, pod)
	}
	ended := n.until(t, done, "it has ended and has given its sandbox back", func(p *corev1.Pod) bool {
		return p.Status.Phase == corev1.PodSucceeded && len(p.Status.Conditions) > 0 &&
			p.Status.Conditions[0].Type == corev1.PodReadyToStartContainers && p.Status.Conditions[0].Status == corev1.ConditionFalse
	})

	n.stop()
	n.touch(t, ends, "end")
	n.delete(t, goes, 0)
	n.gone(t, goes)
	n.delete(t, asked, 20)
	n.start(t)

	if s := n.phase(t, ends, corev1.PodFailed).Status.ContainerStatuses[0]; s.State.Terminated == nil || s.State.Terminated.ExitCode != 6 || s.RestartCount != 0 {
		t.Errorf("what ended without an agent is %+v", s)
	}
	n.gone(t, asked)
	n.removed(t, asked)
	n.removed(t, goes)
	n.adopted(t, keeps)
	now := n.running(t, keeps)
	if diff := cmp.Diff(before.Status, now.Status); diff != "" {
		t.Errorf("the status of what went on (-before +after):\n%s", diff)
	}
	if got := n.read(t, keeps, "x") + n.read(t, keeps, "i"); got != "x\ni\n" {
		t.Errorf("its containers were started so often: %q", got)
	}
	if diff := cmp.Diff(ended.Status, n.phase(t, done, corev1.PodSucceeded).Status); diff != "" {
		t.Errorf("the status of what had ended (-before +after):\n%s", diff)
	}
	for _, pod := range []*corev1.Pod{keeps, ends, done} {
		n.delete(t, pod, 0)
		n.gone(t, pod)
		n.removed(t, pod)
	}
}

// adopted waits until the agent knows a pod.
func (n *node) adopted(t *testing.T, pod *corev1.Pod) {
	t.Helper()
	eventually(t, "the agent knows "+pod.Name, func() bool {
		_, err := n.manager.Sandbox(pod.Namespace, pod.Name, pod.UID)
		return err == nil
	})
}

func many(t *testing.T, n *node) {
	const count = 10
	began := time.Now()
	var list []*corev1.Pod
	for i := range count {
		list = append(list, n.create(t, shell(fmt.Sprintf("one-of-many-%d", i), "sleep 1000")))
	}
	for _, pod := range list {
		n.running(t, pod)
	}
	t.Log(count, "pods at once were ready after", time.Since(began))
	began = time.Now()
	for _, pod := range list {
		n.delete(t, pod, 1)
	}
	for _, pod := range list {
		n.gone(t, pod)
	}
	t.Log("they were gone after", time.Since(began))
	eventually(t, "the agent has forgotten them", func() bool { return len(n.manager.Pods()) == 0 })
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it never came that %s", what)
		}
	}
}

// same waits until there is no more than there was.
func (n *node) same(t *testing.T, before string) {
	t.Helper()
	var diff string
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		if diff = cmp.Diff(strings.Split(before, "\n"), strings.Split(n.look(t), "\n")); diff == "" {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("something is left (-before +after):\n%s", diff)
		}
	}
}
