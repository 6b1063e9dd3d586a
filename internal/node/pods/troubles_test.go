//go:build linux && host

package pods_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
)

// troubles are the stories of pods that cannot run as they should.
var troubles = []story{
	{"what ends again and again is started ever later", crashLoop},
	{"an init container that fails ends a pod that is not to be restarted", initFails},
	{"images that cannot be had are named", missingImages},
	{"an image of a private registry comes to those who have its secret", pullPrivately},
	{"an image that is damaged is not taken", damagedImage},
	{"a user whom the image does not know is told of", unknownUser},
	{"a program that is not there is told of", missingBinary},
	{"a config map that is not there is waited for", missingConfigMap},
	{"a pod that is removed by force is stopped", forceDelete},
	{"a pod whose sandbox is lost gets another", loseSandbox},
	{"no part of a volume leads out of it", escapeVolume},
	{"a pod ends when its time is over", passDeadline},
	{"the end of a log says why if nothing else does", wordsOfLog},
}

// waits waits until the first container waits for a reason.
func (n *node) waits(t *testing.T, pod *corev1.Pod, reason, message string) *corev1.Pod {
	t.Helper()
	return n.until(t, pod, "it waits for "+reason, func(p *corev1.Pod) bool {
		list := p.Status.ContainerStatuses
		return len(list) > 0 && list[0].State.Waiting != nil && list[0].State.Waiting.Reason == reason && strings.Contains(list[0].State.Waiting.Message, message)
	})
}

func crashLoop(t *testing.T, n *node) {
	pod := n.create(t, shell("crashes", "echo again; exit 3"))
	n.until(t, pod, "it has been started four times", func(p *corev1.Pod) bool {
		list := p.Status.ContainerStatuses
		return len(list) == 1 && list[0].RestartCount >= 3 && p.Status.Phase == corev1.PodRunning
	})
	now := n.waits(t, pod, "CrashLoopBackOff", "restarting failed container=main pod=crashes_default(")
	c := now.Status.ContainerStatuses[0]
	if c.LastTerminationState.Terminated == nil || c.LastTerminationState.Terminated.ExitCode != 3 || c.Ready {
		t.Errorf("its container is %+v", c)
	}
	n.event(t, pod, "BackOff: Back-off restarting failed container main in pod crashes_default(")
	logs, err := filepath.Glob(filepath.Join(n.dir, "logs", "default_crashes_*", "main", "*"))
	if err != nil || len(logs) > 3 { // the last two, and perhaps one that is being made
		t.Errorf("there are these logs: %q, %v", logs, err)
	}
	n.delete(t, pod, 20)
	n.gone(t, pod)
}

func initFails(t *testing.T, n *node) {
	pod := n.create(t, shell("never-begins", "true", policy(corev1.RestartPolicyNever), setup("fails", "exit 4")))
	s := n.phase(t, pod, corev1.PodFailed).Status
	if c := s.InitContainerStatuses[0]; c.State.Terminated == nil || c.State.Terminated.ExitCode != 4 {
		t.Errorf("the init container is %+v", c)
	}
	if c := s.ContainerStatuses[0]; c.State.Waiting == nil || c.State.Waiting.Reason != "PodInitializing" {
		t.Errorf("the container is %+v", c)
	}
	n.delete(t, pod, 20)
	n.gone(t, pod)
}

func missingImages(t *testing.T, n *node) {
	tests := []struct {
		name, image string
		policy      corev1.PullPolicy
		reason      string
		event       string
	}{
		{"invalid", "Not/A/Name:", corev1.PullAlways, "InvalidImageName", "InspectFailed: "},
		{"never-pulled", "none:1", corev1.PullNever, "ErrImageNeverPull", "ErrImageNeverPull: "},
		{"unreachable", "127.0.0.1:1/none:1", corev1.PullIfNotPresent, "ImagePullBackOff", "Failed: Failed to pull image \"127.0.0.1:1/none:1\": "},
	}
	var list []*corev1.Pod
	for _, test := range tests {
		list = append(list, n.create(t, shell(test.name, "true", func(p *corev1.Pod) {
			p.Spec.Containers[0].Image, p.Spec.Containers[0].ImagePullPolicy = test.image, test.policy
		})))
	}
	for i, test := range tests {
		if now := n.waits(t, list[i], test.reason, ""); now.Status.Phase != corev1.PodPending {
			t.Errorf("%s is %s", test.name, now.Status.Phase)
		}
		n.event(t, list[i], test.event)
		n.delete(t, list[i], 20)
	}
	for _, pod := range list {
		n.gone(t, pod)
	}
}

func missingBinary(t *testing.T, n *node) {
	nothing := func(p *corev1.Pod) { p.Spec.Containers[0].Command = []string{"/no/such/program"} }
	pod := n.create(t, shell("no-program", "", nothing, policy(corev1.RestartPolicyNever)))
	s := n.phase(t, pod, corev1.PodFailed).Status
	if c := s.ContainerStatuses[0]; c.State.Terminated == nil || c.State.Terminated.Reason != "StartError" || !strings.Contains(c.State.Terminated.Message, "no such file") {
		t.Errorf("its container is %+v", c)
	}
	n.event(t, pod, "Failed: Error: ")
	n.delete(t, pod, 20)
	n.gone(t, pod)
}

func missingConfigMap(t *testing.T, n *node) {
	pod := n.create(t, shell("waits", "sleep 1000", func(p *corev1.Pod) {
		p.Spec.Containers[0].EnvFrom = []corev1.EnvFromSource{{ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "later"}}}}
	}))
	n.waits(t, pod, "CreateContainerConfigError", `configmap "later" not found`)
	n.event(t, pod, `Failed: Error: configmap "later" not found`)
	n.configMap(t, "later", map[string]string{"A": "b"})
	n.running(t, pod)
	n.delete(t, pod, 0)
	n.gone(t, pod)
}

func forceDelete(t *testing.T, n *node) {
	pod := n.create(t, shell("forced", "trap '' TERM; sleep 1000"))
	n.running(t, pod)
	n.delete(t, pod, 0)
	n.gone(t, pod)
	n.removed(t, pod)
}

func loseSandbox(t *testing.T, n *node) {
	pod := n.create(t, shell("loses", "sleep 1000", setup("counts", "echo x >> /v/x; cat /v/x"), volume))
	n.running(t, pod)
	id, err := n.manager.Sandbox("default", "loses", pod.UID)
	if err != nil {
		t.Fatal(err)
	}
	if err := n.runtime.StopSandbox(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	now := n.until(t, pod, "it runs in another sandbox", func(p *corev1.Pod) bool {
		return isReady(p) && p.Status.ContainerStatuses[0].RestartCount == 1
	})
	if last := now.Status.ContainerStatuses[0].LastTerminationState.Terminated; last == nil || last.ExitCode != 137 || last.Reason != "ContainerStatusUnknown" {
		t.Errorf("the first container ended so: %+v", last)
	}
	if got := n.log(t, pod, "counts", 1); got != "x\nx\n" {
		t.Errorf("the second init container saw %q", got)
	}
	n.event(t, pod, "SandboxChanged: ")
	n.delete(t, pod, 0)
	n.gone(t, pod)
	n.removed(t, pod)
}

func escapeVolume(t *testing.T, n *node) {
	secret := filepath.Join(n.dir, "secret")
	if err := os.WriteFile(secret, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	pod := n.create(t, shell("escapes", "cat /part", setup("links", "ln -s "+secret+" /v/part; mkdir /v/inner; echo good > /v/inner/file; ln -s inner/file /v/good"), volume, func(p *corev1.Pod) {
		p.Spec.Containers[0].VolumeMounts[0] = corev1.VolumeMount{Name: "v", MountPath: "/part", SubPath: "part"}
		p.Spec.Containers = append(p.Spec.Containers, corev1.Container{
			Name: "good", Image: "host", Command: []string{"sh", "-c", "cat /part; sleep 1000"},
			VolumeMounts: []corev1.VolumeMount{{Name: "v", MountPath: "/part", SubPath: "good"}},
		})
	}))
	n.waits(t, pod, "CreateContainerConfigError", "failed to prepare subPath for volumeMount \"v\" of container \"main\"")
	n.logs(t, pod, "good", "good\n")
	n.delete(t, pod, 0)
	n.gone(t, pod)
}

func passDeadline(t *testing.T, n *node) {
	pod := n.create(t, shell("late", "sleep 1000", func(p *corev1.Pod) {
		p.Spec.ActiveDeadlineSeconds, p.Spec.TerminationGracePeriodSeconds = ptr.To[int64](2), ptr.To[int64](0)
	}))
	s := n.phase(t, pod, corev1.PodFailed).Status
	if s.Reason != "DeadlineExceeded" || s.ContainerStatuses[0].State.Terminated == nil {
		t.Errorf("its status is %+v", s)
	}
	n.delete(t, pod, 20)
	n.gone(t, pod)
}

func wordsOfLog(t *testing.T, n *node) {
	pod := n.create(t, shell("tells", "echo first; echo why >&2; exit 1", policy(corev1.RestartPolicyNever), func(p *corev1.Pod) {
		p.Spec.Containers[0].TerminationMessagePolicy = corev1.TerminationMessageFallbackToLogsOnError
	}))
	c := n.phase(t, pod, corev1.PodFailed).Status.ContainerStatuses[0]
	// The streams are two pipes: their order is not kept.
	if s := c.State.Terminated; s == nil || !strings.Contains(s.Message, "why\n") || !strings.Contains(s.Message, "first\n") {
		t.Errorf("it says %+v", s)
	}
	n.delete(t, pod, 20)
	n.gone(t, pod)
}
