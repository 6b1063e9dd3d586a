//go:build linux && host

package pods_test

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/causeway-access/causeway/internal/cluster"
	"github.com/causeway-access/causeway/test/inside"
	"github.com/causeway-access/causeway/test/testcluster"
)

// story is what becomes of some pods. Those of a list are told at the same
// time, by one node: they differ by the names of their pods.
type story struct {
	name string
	tell func(*testing.T, *node)
}

func TestPodsOfANode(t *testing.T) {
	if !inside.Namespaces(t) {
		return
	}
	n := newNode(t, testcluster.New(t, cluster.Config{}))
	empty := n.look(t)
	t.Run("stories", func(t *testing.T) {
		for _, s := range slices.Concat(lives, troubles, cares, doors) {
			t.Run(s.name, func(t *testing.T) {
				t.Parallel()
				s.tell(t, n)
			})
		}
	})
	t.Run("an agent that begins adopts what runs", func(t *testing.T) { adopt(t, n) })
	t.Run("an agent that begins leads to what runs", func(t *testing.T) { leadAgain(t, n) })
	t.Run("many pods at once", func(t *testing.T) { many(t, n) })
	n.same(t, empty)
}

// lives are those of pods to which nothing bad happens.
var lives = []story{
	{"a program runs to its end", runToCompletion},
	{"a pod becomes ready", becomeReady},
	{"what fails is started again if the pod says so", restartOnFailure},
	{"init containers come one after the other", initOrder},
	{"a side-car runs beside the others and ends with them", sidecars},
	{"a program sees its environment", seeEnvironment},
	{"a pod that is deleted ends in peace and says how", deleteGracefully},
	{"a container can be added to look into a pod", addEphemeral},
	{"another image takes the place of one that runs", changeImage},
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
	s := n.running(t, pod).Status
	if s.Phase != corev1.PodRunning || s.PodIP == "" || s.HostIP != inside.Address || s.StartTime == nil || s.QOSClass != corev1.PodQOSBestEffort || s.ObservedGeneration != 1 {
		t.Errorf("its status is %+v", s)
	}
	for _, c := range s.Conditions {
		if c.Status != corev1.ConditionTrue || c.LastTransitionTime.IsZero() && c.Type != corev1.PodScheduled {
			t.Errorf("its condition is %+v", c)
		}
	}
	if c := s.ContainerStatuses[0]; c.State.Running == nil || !c.Ready || !*c.Started || c.ImageID != "host" || c.ContainerID[:11] != "causeway://" {
		t.Errorf("its container is %+v", c)
	}
	n.delete(t, pod, 0)
	n.gone(t, pod)
	n.removed(t, pod)
}

func restartOnFailure(t *testing.T, n *node) {
	pod := n.create(t, shell("restarts", "test -f /v/x && exit 0; touch /v/x; exit 5", policy(corev1.RestartPolicyOnFailure), volume))
	c := n.phase(t, pod, corev1.PodSucceeded).Status.ContainerStatuses[0]
	if c.RestartCount != 1 || c.LastTerminationState.Terminated == nil || c.LastTerminationState.Terminated.ExitCode != 5 {
		t.Errorf("its container is %+v", c)
	}
	n.delete(t, pod, 20)
	n.gone(t, pod)
}

// volume gives the containers an empty directory at /v.
func volume(p *corev1.Pod) {
	p.Spec.Volumes = []corev1.Volume{{Name: "v"}}
	for _, list := range [][]corev1.Container{p.Spec.InitContainers, p.Spec.Containers} {
		for i := range list {
			list[i].VolumeMounts = []corev1.VolumeMount{{Name: "v", MountPath: "/v"}}
		}
	}
}

func setup(name, script string) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		p.Spec.InitContainers = append(p.Spec.InitContainers, corev1.Container{Name: name, Image: "host", Command: []string{"sh", "-c", script}})
	}
}

func initOrder(t *testing.T, n *node) {
	pod := n.create(t, shell("in-order", "cat /v/x", policy(corev1.RestartPolicyNever),
		setup("one", "sleep 0.3; echo 1 >> /v/x"), setup("two", "echo 2 >> /v/x"), volume))
	done := n.phase(t, pod, corev1.PodSucceeded)
	if got := n.log(t, pod, "main", 0); got != "1\n2\n" {
		t.Errorf("it saw %q", got)
	}
	for _, c := range done.Status.InitContainerStatuses {
		if !c.Ready || c.State.Terminated == nil || c.State.Terminated.Reason != "Completed" {
			t.Errorf("an init container is %+v", c)
		}
	}
	n.delete(t, pod, 20)
	n.gone(t, pod)
}

func sidecars(t *testing.T, n *node) {
	always := corev1.ContainerRestartPolicyAlways
	pod := n.create(t, shell("with-side-car", "while ! test -f /v/x; do sleep 0.05; done", policy(corev1.RestartPolicyNever),
		setup("side", "touch /v/x; trap 'exit 0' TERM; while true; do sleep 0.05; done"),
		func(p *corev1.Pod) { p.Spec.InitContainers[0].RestartPolicy = &always }, volume))
	done := n.phase(t, pod, corev1.PodSucceeded)
	if c := done.Status.InitContainerStatuses[0]; c.State.Terminated == nil || c.RestartCount != 0 {
		t.Errorf("the side-car is %+v", c)
	}
	n.delete(t, pod, 20)
	n.gone(t, pod)
}

func seeEnvironment(t *testing.T, n *node) {
	n.configMap(t, "settings", map[string]string{"KEY": "value"})
	pod := n.create(t, shell("sees", "echo $NAME $IP $KEY $KUBERNETES_SERVICE_HOST; cat /etc/hostname", policy(corev1.RestartPolicyNever), func(p *corev1.Pod) {
		p.Spec.Containers[0].Args = []string{"$(NAME)"}
		p.Spec.Containers[0].Env = []corev1.EnvVar{
			{Name: "NAME", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.name"}}},
			{Name: "IP", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "status.podIP"}}},
		}
		p.Spec.Containers[0].EnvFrom = []corev1.EnvFromSource{{ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "settings"}}}}
	}))
	done := n.phase(t, pod, corev1.PodSucceeded)
	if got, want := n.log(t, pod, "main", 0), "sees "+done.Status.PodIP+" value 10.96.0.1\nsees\n"; got != want {
		t.Errorf("it saw %q, want %q", got, want)
	}
	n.delete(t, pod, 20)
	n.gone(t, pod)
}

func deleteGracefully(t *testing.T, n *node) {
	pod := n.create(t, shell("graceful", "trap 'echo bye > /dev/termination-log; exit 7' TERM; echo ready; while true; do sleep 0.05; done"))
	n.running(t, pod)
	n.logs(t, pod, "main", "ready\n")
	last := n.last(t, pod)
	n.delete(t, pod, 20)
	end := <-last
	c := end.Status.ContainerStatuses[0]
	if end.Status.Phase != corev1.PodFailed || c.State.Terminated == nil || c.State.Terminated.ExitCode != 7 || c.State.Terminated.Message != "bye\n" {
		t.Errorf("its last status is %+v", end.Status)
	}
	n.event(t, pod, "Killing: Stopping container main")
	n.removed(t, pod)
}

func addEphemeral(t *testing.T, n *node) {
	pod := n.create(t, shell("debugged", "sleep 1000"))
	now := n.running(t, pod)
	now.Spec.EphemeralContainers = []corev1.EphemeralContainer{{EphemeralContainerCommon: corev1.EphemeralContainerCommon{
		Name: "debugger", Image: "host", Command: []string{"sh", "-c", "hostname"}, ImagePullPolicy: corev1.PullIfNotPresent,
		TerminationMessagePolicy: corev1.TerminationMessageReadFile,
	}}}
	if _, err := n.Client.CoreV1().Pods("default").UpdateEphemeralContainers(t.Context(), pod.Name, now, updated); err != nil {
		t.Fatal(err)
	}
	n.until(t, pod, "the debugger has ended", func(p *corev1.Pod) bool {
		list := p.Status.EphemeralContainerStatuses
		return len(list) == 1 && list[0].State.Terminated != nil && list[0].State.Terminated.ExitCode == 0 && isReady(p)
	})
	if got := n.log(t, pod, "debugger", 0); got != "debugged\n" {
		t.Errorf("the debugger saw %q", got)
	}
	n.delete(t, pod, 0)
	n.gone(t, pod)
}

func changeImage(t *testing.T, n *node) {
	pod := n.create(t, shell("changes", "sleep 1000", func(p *corev1.Pod) {
		p.Spec.TerminationGracePeriodSeconds = new(int64)
		p.Spec.Containers[0].ImagePullPolicy = corev1.PullNever
	}))
	now := n.running(t, pod)
	now.Spec.Containers[0].Image = "none:1"
	if _, err := n.Client.CoreV1().Pods("default").Update(t.Context(), now, updated); err != nil {
		t.Fatal(err)
	}
	n.waits(t, pod, "ErrImageNeverPull", `Container image "none:1" is not present`)
	n.delete(t, pod, 0)
	n.gone(t, pod)
}
