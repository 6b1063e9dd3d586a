package volume_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/causeway-access/causeway/internal/node/volume"
)

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
