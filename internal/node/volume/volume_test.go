package volume_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/causeway-access/causeway/internal/node/volume"
)

// node is a node's volumes and a namespace to have pods in.
type node struct {
	*volume.Manager
	name, ns, dir string
	log           *lockedBuffer
	stop          func() // ends the agent; may be called again
}

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// newNode starts a node's volumes, with a node's own rights.
func newNode(t *testing.T) *node {
	t.Helper()
	n := &node{ns: shared.Namespace(t), dir: t.TempDir(), log: &lockedBuffer{}}
	n.name = n.ns
	made, err := shared.Client.CoreV1().Nodes().Create(t.Context(), &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: n.name}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	n.Manager = n.agent(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- n.Run(ctx) }()
	n.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	t.Cleanup(func() {
		n.stop()
		_ = shared.Client.CoreV1().Nodes().Delete(context.WithoutCancel(t.Context()), made.Name, metav1.DeleteOptions{})
	})
	return n
}

// agent makes a Manager of the node, such as one that comes after another.
func (n *node) agent(t *testing.T) *volume.Manager {
	t.Helper()
	m, err := volume.NewOnDisk(volume.Config{Dir: n.dir, Node: n.name,
		Client: shared.As(t, "system:node:"+n.name, "system:nodes", "system:authenticated"),
		Allocatable: func() corev1.ResourceList {
			return corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("8"), corev1.ResourceMemory: resource.MustParse("4Gi")}
		},
		Log: slog.New(slog.NewTextHandler(n.log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// pod makes a pod that is bound to the node.
func (n *node) pod(t *testing.T, name string, volumes ...corev1.Volume) *corev1.Pod {
	t.Helper()
	pod, err := shared.Client.CoreV1().Pods(n.ns).Create(t.Context(), &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"app": "a", "tier": "back"}, Annotations: map[string]string{"note": "say \"x\""}},
		Spec: corev1.PodSpec{NodeName: n.name, AutomountServiceAccountToken: ptr.To(false), Volumes: volumes,
			Containers: []corev1.Container{{Name: "c", Image: "host", Resources: corev1.ResourceRequirements{
				Limits: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1500m")}}}}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return pod
}

// mount mounts as the pod manager does: again, while the API server does not
// know yet that the pod is the node's.
func (n *node) mount(t *testing.T, pod *corev1.Pod) (map[string]string, error) {
	t.Helper()
	var paths map[string]string
	var err error
	within(t, "the node may read what its pod uses", func() bool {
		paths, err = n.Mount(t.Context(), pod)
		return !forbidden(err)
	})
	return paths, err
}

func forbidden(err error) bool {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return apierrors.IsForbidden(err)
	}
	for _, one := range joined.Unwrap() {
		if apierrors.IsForbidden(one) {
			return true
		}
	}
	return false
}

// within waits for what may take a while on a slow machine.
func within(t *testing.T, what string, good func() bool) {
	t.Helper()
	for deadline := time.Now().Add(90 * time.Second); !good(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

// files are those of a volume, by name and content.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), "..") {
			continue
		}
		data, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if errors.Is(err, os.ErrNotExist) {
			continue // it is being replaced
		}
		if err != nil {
			t.Fatal(err)
		}
		found[entry.Name()] = string(data)
	}
	return found
}

func (n *node) configMap(t *testing.T, name string, data map[string]string) *corev1.ConfigMap {
	t.Helper()
	c, err := shared.Client.CoreV1().ConfigMaps(n.ns).Create(t.Context(), &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: name}, Data: data, BinaryData: map[string][]byte{"bin": {0, 255}}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func configMapVolume(name, configMap string, optional bool, items ...corev1.KeyToPath) corev1.Volume {
	return corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
		LocalObjectReference: corev1.LocalObjectReference{Name: configMap}, Optional: &optional, Items: items}}}
}

func secretVolume(name, secret string, optional bool, items ...corev1.KeyToPath) corev1.Volume {
	return corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: secret, Optional: &optional, Items: items}}}
}

func TestConfigMapIsMountedAndKeptCurrent(t *testing.T) {
	n := newNode(t)
	c := n.configMap(t, "c", map[string]string{"a": "1", "b": "2"})
	paths, err := n.mount(t, n.pod(t, "p", configMapVolume("all", "c", false),
		configMapVolume("some", "c", false, corev1.KeyToPath{Key: "a", Path: "conf/a.txt", Mode: ptr.To[int32](0o400)}),
		configMapVolume("later", "later", true)))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(map[string]string{"a": "1", "b": "2", "bin": "\x00\xff"}, files(t, paths["all"])); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	item := filepath.Join(paths["some"], "conf", "a.txt")
	if data, err := os.ReadFile(item); err != nil || string(data) != "1" {
		t.Errorf("the item is %q, %v", data, err)
	}
	if info, err := os.Stat(item); err != nil || info.Mode() != 0o400 {
		t.Errorf("the item has mode %v, %v", info.Mode(), err)
	}
	if got := files(t, paths["later"]); len(got) != 0 {
		t.Errorf("an optional one that is not there has %v", got)
	}
	c.Data = map[string]string{"a": "3", "new": "4"}
	c.BinaryData = nil
	if _, err := shared.Client.CoreV1().ConfigMaps(n.ns).Update(t.Context(), c, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	within(t, "the change in the volume", func() bool { return cmp.Equal(c.Data, files(t, paths["all"])) })
	within(t, "the change in the item", func() bool { data, _ := os.ReadFile(item); return string(data) == "3" })
	n.configMap(t, "later", map[string]string{"x": "y"})
	within(t, "the optional one when it comes", func() bool { return files(t, paths["later"])["x"] == "y" })
	// A source that goes takes nothing from a pod that runs.
	if err := shared.Client.CoreV1().ConfigMaps(n.ns).Delete(t.Context(), "c", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	within(t, "the loss is told of", func() bool { return strings.Contains(n.log.String(), `configmap \"c\" not found`) })
	if d := cmp.Diff(c.Data, files(t, paths["all"])); d != "" {
		t.Errorf("after the loss (-want +got):\n%s", d)
	}
	n.configMap(t, "c", map[string]string{"a": "5"})
	within(t, "the same name again", func() bool { return files(t, paths["all"])["a"] == "5" })
}

func TestAPodThatIsMadeAfterAChangeSeesIt(t *testing.T) {
	n := newNode(t)
	c := n.configMap(t, "c", map[string]string{"a": "0"})
	if _, err := n.mount(t, n.pod(t, "first", configMapVolume("v", "c", false))); err != nil {
		t.Fatal(err)
	}
	for _, value := range []string{"1", "2", "3"} {
		c.Data["a"] = value
		var err error
		if c, err = shared.Client.CoreV1().ConfigMaps(n.ns).Update(t.Context(), c, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		paths, err := n.mount(t, n.pod(t, "after-"+value, configMapVolume("v", "c", false)))
		if err != nil || files(t, paths["v"])["a"] != value {
			t.Errorf("made after the change to %s: %v, %v", value, files(t, paths["v"]), err)
		}
	}
}

func TestSecretsArePrivateOnTheNodeAndNeverLogged(t *testing.T) {
	n := newNode(t)
	const hidden = "open-sesame"
	_, err := shared.Client.CoreV1().Secrets(n.ns).Create(t.Context(), &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: "s"}, StringData: map[string]string{"password": hidden}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	pod := n.pod(t, "p", secretVolume("v", "s", false), secretVolume("none", "absent", true))
	paths, err := n.mount(t, pod)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(map[string]string{"password": hidden}, files(t, paths["v"])); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	for dir := filepath.Dir(paths["v"]); dir != filepath.Dir(n.dir) && dir != n.dir; dir = filepath.Dir(dir) {
		if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s has mode %v, %v", dir, info.Mode(), err)
		}
	}
	if err := n.Unmount(pod.UID); err != nil {
		t.Error(err)
	}
	if strings.Contains(n.log.String(), hidden) {
		t.Errorf("logged: %s", n.log)
	}
}

func TestWhatIsMissingIsSaidInTheWordsOfEvents(t *testing.T) {
	n := newNode(t)
	n.configMap(t, "c", map[string]string{"a": "1"})
	_, err := shared.Client.CoreV1().Secrets(n.ns).Create(t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "s"}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	item := corev1.KeyToPath{Key: "k", Path: "p"}
	_, err = n.mount(t, n.pod(t, "p",
		configMapVolume("no-map", "y", false),
		configMapVolume("no-key", "c", false, item),
		configMapVolume("optional-key", "c", true, item),
		secretVolume("no-secret", "z", false),
		secretVolume("no-secret-key", "s", false, item),
		corev1.Volume{Name: "claim", VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "data"}}},
		corev1.Volume{Name: "fine", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
	))
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		t.Fatalf("got %v, want one error a volume", err)
	}
	var got []string
	for _, one := range joined.Unwrap() {
		got = append(got, one.Error())
	}
	want := []string{
		`MountVolume.SetUp failed for volume "no-map" : configmap "y" not found`,
		`MountVolume.SetUp failed for volume "no-key" : configmap references non-existent config key: k`,
		`MountVolume.SetUp failed for volume "no-secret" : secret "z" not found`,
		`MountVolume.SetUp failed for volume "no-secret-key" : secret references non-existent secret key: k`,
		`MountVolume.SetUp failed for volume "claim" : persistentvolumeclaim "data": this node has no persistent volumes; use emptyDir or hostPath`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestProjectedVolumeHasWhatAPodNeedsToReachTheAPI(t *testing.T) {
	n := newNode(t)
	pod := n.pod(t, "p", corev1.Volume{Name: "api", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
		{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: "token", ExpirationSeconds: ptr.To[int64](3607)}},
		{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: "other", Audience: "vault", ExpirationSeconds: ptr.To[int64](600)}},
		{ConfigMap: &corev1.ConfigMapProjection{LocalObjectReference: corev1.LocalObjectReference{Name: "kube-root-ca.crt"}, Items: []corev1.KeyToPath{{Key: "ca.crt", Path: "ca.crt"}}}},
		{DownwardAPI: &corev1.DownwardAPIProjection{Items: []corev1.DownwardAPIVolumeFile{{Path: "namespace", FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.namespace"}}}}},
	}}}})
	var paths map[string]string
	within(t, "the account and the authority in a new namespace", func() bool {
		var err error
		paths, err = n.Mount(t.Context(), pod)
		return err == nil
	})
	got := files(t, paths["api"])
	if authority, err := os.ReadFile(shared.CAFile); err != nil || got["ca.crt"] != string(authority) || got["namespace"] != n.ns {
		t.Errorf("got %q, %v", got["namespace"], err)
	}
	type claims struct {
		Audience   []string `json:"aud"`
		Expires    int64    `json:"exp"`
		Issued     int64    `json:"iat"`
		Kubernetes struct {
			Pod struct {
				UID types.UID `json:"uid"`
			} `json:"pod"`
		} `json:"kubernetes.io"`
	}
	read := func(token string) (c claims) {
		t.Helper()
		parts := strings.Split(token, ".")
		if len(parts) != 3 {
			t.Fatal("not a token")
		}
		data, err := base64.RawURLEncoding.DecodeString(parts[1])
		if err == nil {
			err = json.Unmarshal(data, &c)
		}
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	if c := read(got["token"]); c.Kubernetes.Pod.UID != pod.UID || c.Expires <= c.Issued {
		t.Errorf("the token says %+v", c)
	}
	if c := read(got["other"]); !cmp.Equal(c.Audience, []string{"vault"}) || c.Expires-c.Issued > 700 {
		t.Errorf("the token for another says %+v", c)
	}
	if _, err := shared.Client.CoreV1().ConfigMaps(n.ns).List(t.Context(), metav1.ListOptions{}); err != nil {
		t.Fatal(err)
	}
}

func TestDownwardAPIFollowsThePod(t *testing.T) {
	n := newNode(t)
	field := func(path, field string) corev1.DownwardAPIVolumeFile {
		return corev1.DownwardAPIVolumeFile{Path: path, FieldRef: &corev1.ObjectFieldSelector{FieldPath: field}}
	}
	amount := func(path, name string) corev1.DownwardAPIVolumeFile {
		return corev1.DownwardAPIVolumeFile{Path: path, ResourceFieldRef: &corev1.ResourceFieldSelector{ContainerName: "c", Resource: name}}
	}
	pod := n.pod(t, "p", corev1.Volume{Name: "v", VolumeSource: corev1.VolumeSource{DownwardAPI: &corev1.DownwardAPIVolumeSource{Items: []corev1.DownwardAPIVolumeFile{
		field("labels", "metadata.labels"), field("app", "metadata.labels['app']"), field("annotations", "metadata.annotations"),
		field("name", "metadata.name"), amount("cpu", "limits.cpu"), amount("memory", "limits.memory")}}}})
	paths, err := n.mount(t, pod)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"labels": "app=\"a\"\ntier=\"back\"", "app": "a", "annotations": `note="say \"x\""`, "name": "p", "cpu": "2", "memory": "4294967296"}
	if d := cmp.Diff(want, files(t, paths["v"])); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	changed := pod.DeepCopy()
	changed.Labels["app"] = "b"
	n.Update(changed)
	within(t, "the new label", func() bool { return files(t, paths["v"])["app"] == "b" })
}

func TestNothingIsLeftOfPodsThatAreGone(t *testing.T) {
	n := newNode(t)
	n.configMap(t, "c", map[string]string{"a": "1"})
	volumes := []corev1.Volume{configMapVolume("c", "c", false), {Name: "e", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
		secretVolume("s", "none", true)}
	stays, goes := n.pod(t, "stays", volumes...), n.pod(t, "goes", volumes...)
	for _, pod := range []*corev1.Pod{stays, goes} {
		paths, err := n.mount(t, pod)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(paths["e"], "mine"), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(paths["e"]); err != nil || info.Mode().Perm() != 0o777 {
			t.Errorf("an empty directory has mode %v, %v", info.Mode(), err)
		}
	}
	if err := n.Unmount("never-seen"); err != nil {
		t.Error(err)
	}
	n.stop() // the next agent knows nothing but what it finds
	next := n.agent(t)
	if err := next.Keep(func(uid types.UID) bool { return uid == stays.UID }); err != nil {
		t.Fatal(err)
	}
	paths, err := next.Mount(t.Context(), stays)
	if err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(filepath.Join(paths["e"], "mine")); err != nil || string(data) != "x" {
		t.Errorf("the pod that stays has lost its file: %v", err)
	}
	left, err := filepath.Glob(filepath.Join(n.dir, "*", string(goes.UID)))
	if err != nil || len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	if err := next.Unmount(stays.UID); err != nil {
		t.Error(err)
	}
	if left, _ := filepath.Glob(filepath.Join(n.dir, "*", "*")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	if err := volume.Clear(n.dir); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(n.dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after clearing: %v", err)
	}
}

func TestNamesThatLeadElsewhereAreRefused(t *testing.T) {
	n := newNode(t)
	for _, pod := range []*corev1.Pod{
		{ObjectMeta: metav1.ObjectMeta{UID: "../../x"}},
		{ObjectMeta: metav1.ObjectMeta{UID: "u"}, Spec: corev1.PodSpec{Volumes: []corev1.Volume{
			{Name: "..", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}}}}},
	} {
		if paths, err := n.Mount(t.Context(), pod); err == nil || !strings.Contains(err.Error(), "is not the name of a directory") {
			t.Errorf("got %v, %v", paths, err)
		}
	}
}
