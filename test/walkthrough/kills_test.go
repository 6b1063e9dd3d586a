//go:build host && root

package walkthrough

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/causeway-access/causeway/test/inside"
	"github.com/causeway-access/causeway/test/shellimage"
	"github.com/causeway-access/causeway/test/traces"
)

// shellImage is the name of an image that is imported, of a shell alone.
const shellImage = "example.test/shell:1"

// killing is a cluster with a node whose agent is killed.
type killing struct {
	home
	up     *running
	victim *victim
	place  traces.Place
	before traces.Traces
}

// seedOf returns the seed of a test's chances: that of the environment, or a new one,
// which is logged.
func seedOf(t *testing.T) uint64 {
	t.Helper()
	const variable = "CAUSEWAY_TEST_SEED"
	seed := rand.Uint64()
	if text := os.Getenv(variable); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%s=%d tells the same story again", variable, seed)
	return seed
}

// everyStep has the agent be killed at each of its steps, not at some by chance.
const everyStep = "CAUSEWAY_TEST_EVERY_STEP"

// TestNothingIsLeftWhereverTheAgentIsKilled has a node's agent killed, by SIGKILL, in
// the middle of starting a pod that has a bit of everything, and of ending it. The
// next agent brings it to where it should be. Of the pod and of all agents nothing
// is left then.
func TestNothingIsLeftWhereverTheAgentIsKilled(t *testing.T) {
	if !inside.Alone(t) {
		return
	}
	k := newKilling(t, seedOf(t))
	if os.Getenv(everyStep) != "" {
		k.victim.share = 100
	}
	const atOnce = 6 // kills in one start, or end
	for n := 0; ; n++ {
		k.life(t, n, atOnce)
		killed := k.victim.told()
		t.Logf("life %d: killed before %q", n, killed)
		if len(killed) == 0 || t.Failed() {
			break
		}
	}
}

// newKilling starts the cluster and the agent's first life, in which nobody kills
// it.
func newKilling(t *testing.T, seed uint64) *killing {
	h := newHome(t)
	up := start(t, h.command("causeway", "up", "--node=false", "--data-dir", h.data(), "--listen", inside.Address+":0", "--output", "json"))
	k := &killing{home: h, up: up}
	status, line, errOut := finish(t, h.command("causeway", "token", "create", "--kubeconfig", up.AdminKubeconfig, "--print-join-command"))
	words := joinLine.FindStringSubmatch(line)
	if status != 0 || words == nil {
		t.Fatalf("token create: status %d: %s%s", status, line, errOut)
	}
	dir := h.path("node", "node")
	sum := sha256.Sum256([]byte(dir))
	k.place = traces.Place{Dir: dir, Groups: "causeway-" + hex.EncodeToString(sum[:4])}
	k.victim = &victim{
		t: t, dir: dir, seed: seed, share: 8, seen: map[string]bool{},
		command: func() *exec.Cmd {
			return h.command("causeway", "node", words[2], words[3], "--token", words[1], "--node-name", "worker", "--data-dir", h.path("node"), "--node-listen", ":0")
		},
	}
	k.objects(t)
	k.victim.live()
	t.Cleanup(func() {
		if err := k.victim.end(); err != nil {
			t.Error(err)
		}
		if out, err := h.command("causeway", "down", "--data-dir", h.path("node"), "--grace-period", "1s").CombinedOutput(); err != nil {
			t.Errorf("causeway down: %v\n%s", err, out)
		}
	})
	k.ready(t)
	k.importImage(t)
	var err error
	if k.before, err = k.look(); err != nil {
		t.Fatal(err)
	}
	return k
}

// importImage gives the node an image that it could not get elsewhere.
func (k *killing) importImage(t *testing.T) {
	t.Helper()
	archive := k.path("shell.tar")
	if err := tarball.WriteToFile(archive, name.MustParseReference(shellImage), shellimage.New(t, v1.Config{})); err != nil {
		t.Fatal(err)
	}
	// A node at the address of an API server is not approved by itself.
	const script = `causeway kubectl certificate approve $(causeway kubectl get csr -o name) && causeway image import "$0"`
	until(t, "the image is imported", func() (bool, string) { // the node's API has its certificate a little later
		cmd := k.command("sh", "-c", script, archive)
		cmd.Env = append(cmd.Env, "KUBECONFIG="+k.up.AdminKubeconfig)
		out, err := cmd.CombinedOutput()
		return err == nil, string(out)
	})
}

// ready waits until the node is.
func (k *killing) ready(t *testing.T) {
	t.Helper()
	until(t, "the node is ready", func() (bool, string) {
		node, err := k.up.client.CoreV1().Nodes().Get(t.Context(), "worker", metav1.GetOptions{})
		return err == nil && ready(corev1.ConditionTrue)(node), fmt.Sprint(node, err)
	})
}

// look says what there is, but for what the agent makes once, with its first pod.
func (k *killing) look() (traces.Traces, error) {
	found, err := traces.Look(k.place)
	found.Groups = slices.DeleteFunc(found.Groups, func(path string) bool { return filepath.Base(path) == k.place.Groups })
	found.Files = slices.DeleteFunc(found.Files, func(path string) bool { return path == "/logs" || path == "/state" })
	return found, err
}

// objects are what volumes of the pods are made of.
func (k *killing) objects(t *testing.T) {
	t.Helper()
	meta := metav1.ObjectMeta{Name: "things"}
	_, err := k.up.client.CoreV1().ConfigMaps("default").Create(t.Context(), &corev1.ConfigMap{ObjectMeta: meta, Data: map[string]string{"a": "1", "b": "2"}}, metav1.CreateOptions{})
	if err == nil {
		_, err = k.up.client.CoreV1().Secrets("default").Create(t.Context(), &corev1.Secret{ObjectMeta: meta, StringData: map[string]string{"s": "3"}}, metav1.CreateOptions{})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// everything is a pod that has a bit of everything that leaves traces.
func everything(name string) *corev1.Pod {
	var volumes []corev1.Volume
	var mounts []corev1.VolumeMount
	for name, source := range map[string]corev1.VolumeSource{
		"disk":   {EmptyDir: &corev1.EmptyDirVolumeSource{}},
		"memory": {EmptyDir: &corev1.EmptyDirVolumeSource{Medium: corev1.StorageMediumMemory, SizeLimit: ptr.To(resource.MustParse("8Mi"))}},
		"config": {ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "things"}}},
		"secret": {Secret: &corev1.SecretVolumeSource{SecretName: "things"}},
		"token": {Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
			{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: "token", Audience: "somebody"}},
			{DownwardAPI: &corev1.DownwardAPIProjection{Items: []corev1.DownwardAPIVolumeFile{{Path: "name", FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.name"}}}}},
		}}},
	} {
		volumes = append(volumes, corev1.Volume{Name: name, VolumeSource: source})
		mounts = append(mounts, corev1.VolumeMount{Name: name, MountPath: "/" + name})
	}
	limits := corev1.ResourceRequirements{Limits: corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse("1"), corev1.ResourceMemory: resource.MustParse("256Mi"),
	}}
	container := func(name, image, script string) corev1.Container {
		return corev1.Container{
			Name: name, Image: image, Command: []string{"/bin/sh", "-c", script}, VolumeMounts: mounts, Resources: limits,
			Stdin: true, ImagePullPolicy: corev1.PullIfNotPresent,
		}
	}
	const wait = "; while read line; do echo $line; done"
	setup := container("setup", "host", "echo setup >> /disk/ran")
	beside := container("beside", shellImage, "echo beside >> /disk/ran"+wait)
	beside.RestartPolicy = ptr.To(corev1.ContainerRestartPolicyAlways)
	main := container("main", "host", "echo main >> /disk/ran"+wait)
	main.Lifecycle = &corev1.Lifecycle{
		PostStart: &corev1.LifecycleHandler{Exec: &corev1.ExecAction{Command: []string{"sh", "-c", "echo begun > /memory/begun"}}},
		PreStop:   &corev1.LifecycleHandler{Exec: &corev1.ExecAction{Command: []string{"sh", "-c", "echo ends > /memory/ends"}}},
	}
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "default"},
		Spec: corev1.PodSpec{
			NodeName: "worker", Volumes: volumes, TerminationGracePeriodSeconds: ptr.To[int64](5),
			SecurityContext: &corev1.PodSecurityContext{FSGroup: ptr.To[int64](2000)},
			InitContainers:  []corev1.Container{setup, beside},
			Containers:      []corev1.Container{main, container("second", shellImage, "echo second >> /disk/ran"+wait)},
		},
	}
}

// life is that of one pod, in which the agent may be killed so often while it
// starts, and again while it ends.
func (k *killing) life(t *testing.T, n, kills int) {
	t.Helper()
	k.victim.may(kills)
	pods := k.up.client.CoreV1().Pods("default")
	pod, err := pods.Create(t.Context(), everything(fmt.Sprintf("life-%d", n)), metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	until(t, "the pod runs", func() (bool, string) {
		now, err := pods.Get(t.Context(), pod.Name, metav1.GetOptions{})
		if err == nil {
			pod = now
		}
		return err == nil && podReady(now), fmt.Sprintf("%v %+v; killed before %q", err, now.Status, k.victim.sofar())
	})
	k.victim.may(0)
	k.ran(t, pod)
	k.victim.may(kills)
	if err := pods.Delete(t.Context(), pod.Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	until(t, "the pod is gone", func() (bool, string) {
		now, err := pods.Get(t.Context(), pod.Name, metav1.GetOptions{})
		return apierrors.IsNotFound(err), fmt.Sprintf("%v %+v", err, now.Status)
	})
	k.same(t)
	k.victim.may(0)
	k.same(t)
}

// ran has looked whether each container has been started once.
func (k *killing) ran(t *testing.T, pod *corev1.Pod) {
	t.Helper()
	for _, list := range [][]corev1.ContainerStatus{pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses} {
		for _, c := range list {
			if c.RestartCount != 0 {
				t.Errorf("container %s was started anew: %+v", c.Name, c)
			}
		}
	}
	text, err := os.ReadFile(filepath.Join(k.place.Dir, "volumes", "disk", string(pod.UID), "disk", "ran"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"setup", "beside", "main", "second"} {
		if strings.Count(string(text), name+"\n") != 1 {
			t.Errorf("containers ran so: %q", text)
		}
	}
	until(t, "a pod that runs is seen", func() (bool, string) { // and an agent, which may have been killed just now
		now, err := k.look()
		return err == nil && k.more(now), fmt.Sprintf("%v, before %+v, now %+v", err, k.before, now)
	})
}

// more says whether there is what a pod brings to a node, beside what was before.
func (k *killing) more(now traces.Traces) bool {
	return len(now.Namespaces) >= len(k.before.Namespaces)+5 && len(now.Mounts) > len(k.before.Mounts) &&
		len(now.Links) == len(k.before.Links)+1 && len(now.Routes) > len(k.before.Routes) && len(now.Groups) >= len(k.before.Groups)+3 &&
		len(now.Files) > len(k.before.Files) && len(now.Processes) >= len(k.before.Processes)+4
}

// same waits until there is no more and no less than before the first pod: the
// kernel takes its time.
func (k *killing) same(t *testing.T) {
	t.Helper()
	var diff string
	for end := time.Now().Add(patience / 2); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		found, err := k.look()
		if diff = cmp.Diff(k.before, found, cmpopts.EquateEmpty()); err == nil && diff == "" {
			return
		}
	}
	t.Errorf("after the agent was killed before %q there is (-before +after):\n%s", k.victim.sofar(), diff)
}

// podReady says whether a pod is ready.
func podReady(pod *corev1.Pod) bool {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}
