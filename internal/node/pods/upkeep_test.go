//go:build linux && host

package pods_test

import (
	"context"
	"errors"
	"io"
	"log"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/causeway-access/causeway/internal/cluster"
	"github.com/causeway-access/causeway/internal/node/upkeep"
	"github.com/causeway-access/causeway/internal/podrun"
	"github.com/causeway-access/causeway/test/inside"
	"github.com/causeway-access/causeway/test/shellimage"
	"github.com/causeway-access/causeway/test/testcluster"
)

func TestUpkeepOfANode(t *testing.T) {
	if !inside.Namespaces(t) {
		return
	}
	n := newNode(t, testcluster.New(t, cluster.Config{}))
	empty := n.look(t)
	t.Run("pods that outgrow their limits are evicted", func(t *testing.T) { outgrow(t, n) })
	t.Run("images that nobody uses make room", func(t *testing.T) { makeRoom(t, n) })
	t.Run("when the disk is nearly full the greediest pod goes", func(t *testing.T) { relieve(t, n) })
	n.same(t, empty)
}

// keep does the node's upkeep until the test ends.
func (n *node) keep(t *testing.T, settings upkeep.Settings) {
	t.Helper()
	keeper, err := upkeep.New(upkeep.Config{
		Settings: settings, Node: nodeName, Client: n.Client, Dir: n.dir, Runtime: n.runtime, Pods: n.manager,
		EmptyDir: func(uid types.UID, v string) string { return filepath.Join(n.dir, "volumes", string(uid), v) },
		LogDir:   n.manager.LogDir, Look: 200 * time.Millisecond, Images: time.Millisecond,
		Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- keeper.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("the upkeep ended: %v", err)
		}
	})
}

// limited is of a pod whose disk limits are these; it has an emptyDir "scratch".
func limited(volume, container string) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		v := corev1.Volume{Name: "scratch", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{SizeLimit: ptr.To(resource.MustParse(volume))}}}
		p.Spec.Volumes = append(p.Spec.Volumes, v)
		c := &p.Spec.Containers[0]
		c.VolumeMounts = append(c.VolumeMounts, corev1.VolumeMount{Name: "scratch", MountPath: "/scratch"})
		c.Resources.Limits = corev1.ResourceList{corev1.ResourceEphemeralStorage: resource.MustParse(container)}
	}
}

// evicted waits until a pod has been, and says what its message is.
func (n *node) evicted(t *testing.T, pod *corev1.Pod) string {
	t.Helper()
	failed := n.phase(t, pod, corev1.PodFailed).Status
	if failed.Reason != "Evicted" {
		t.Errorf("%s failed because %s: %s", pod.Name, failed.Reason, failed.Message)
	}
	disrupted := false
	for _, c := range failed.Conditions {
		disrupted = disrupted || c.Type == corev1.DisruptionTarget && c.Status == corev1.ConditionTrue && c.Reason == "TerminationByKubelet"
	}
	if c := failed.ContainerStatuses[0]; !disrupted || c.State.Terminated == nil {
		t.Errorf("its conditions are %+v, its container %+v", failed.Conditions, c)
	}
	n.event(t, pod, "Evicted: "+failed.Message)
	return failed.Message
}

func outgrow(t *testing.T, n *node) {
	n.keep(t, upkeep.Settings{ImageHigh: 100, Hard: upkeep.Thresholds{}})
	fill := func(file string) string { return "head -c 8388608 /dev/zero > " + file + "; sleep 1000" }
	calm := n.create(t, shell("calm", fill("/scratch/file"), limited("20Mi", "20Mi")))
	volume := n.create(t, shell("volume", fill("/scratch/file"), limited("4Mi", "20Mi")))
	layer := n.create(t, shell("layer", fill("/var/file"), limited("20Mi", "4Mi")))
	logs := n.create(t, shell("logs", "head -c 6291456 /dev/zero | tr '\\0' '\\n'; sleep 1000", limited("20Mi", "4Mi")))
	if got, want := n.evicted(t, volume), `Usage of EmptyDir volume "scratch" exceeds the limit "4Mi". `; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, pod := range []*corev1.Pod{layer, logs} {
		if got, want := n.evicted(t, pod), "Pod ephemeral local storage usage exceeds the total limit of containers 4Mi. "; got != want {
			t.Errorf("%s: got %q, want %q", pod.Name, got, want)
		}
	}
	eventually(t, "the volume of what was evicted is gone", func() bool { return !n.readable(volume, "../scratch") })
	if p := n.running(t, calm); p.Status.ContainerStatuses[0].RestartCount != 0 {
		t.Errorf("one that keeps to its limits: %+v", p.Status)
	}
	for _, pod := range []*corev1.Pod{calm, volume, layer, logs} {
		n.delete(t, pod, 0)
		n.gone(t, pod)
		n.removed(t, pod)
	}
}

// makeRoom has three images: one that a pod uses, one that was imported, and
// one that nobody needs any more.
func makeRoom(t *testing.T, n *node) {
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	image := func(what string) v1.Image {
		return shellimage.New(t, v1.Config{Entrypoint: []string{"/bin/sh", "-c", "read forever"}, Env: []string{"WHAT=" + what}})
	}
	pull := func(what string) string {
		reference := strings.TrimPrefix(server.URL, "http://") + "/" + what + ":1"
		ref, err := name.ParseReference(reference)
		if err == nil {
			err = remote.Write(ref, image(what))
		}
		if err == nil {
			_, err = n.runtime.PullImage(t.Context(), reference, podrun.Auth{})
		}
		if err != nil {
			t.Fatal(err)
		}
		return reference
	}
	used, unused := pull("used"), pull("unused")
	archive := filepath.Join(t.TempDir(), "images.tar")
	if err := tarball.WriteToFile(archive, name.MustParseReference("example.test/imported:1"), image("imported")); err != nil {
		t.Fatal(err)
	}
	if _, err := n.runtime.ImportImages(t.Context(), archive); err != nil {
		t.Fatal(err)
	}
	pod := n.create(t, shell("user", "", func(p *corev1.Pod) {
		c := &p.Spec.Containers[0]
		c.Image, c.Command, c.Stdin = used, nil, true
	}))
	n.running(t, pod)
	n.keep(t, upkeep.Settings{ImageHigh: 1, ImageMinAge: time.Nanosecond, Hard: upkeep.Thresholds{}, LargeDisk: -1})
	eventually(t, "the unused image is gone, and only that", func() bool { return !n.has(t, unused) })
	n.nodeEvent(t, "ImageRemoved", unused)
	n.nodeEvent(t, "FreeDiskSpaceFailed", "Failed to garbage collect required amount of images.")
	for _, reference := range []string{used, "example.test/imported:1"} {
		if !n.has(t, reference) {
			t.Errorf("the image %s is gone", reference)
		}
	}
	n.delete(t, pod, 0)
	n.gone(t, pod)
	eventually(t, "the image goes after its last pod", func() bool { return !n.has(t, used) })
	if err := n.runtime.RemoveImage(t.Context(), "example.test/imported:1"); err != nil {
		t.Error(err)
	}
}

// has says whether an image is here.
func (n *node) has(t *testing.T, reference string) bool {
	t.Helper()
	list, err := n.runtime.ListImages(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range list {
		for _, name := range i.Names {
			if name == reference {
				return true
			}
		}
	}
	return false
}

// nodeEvent waits for an event of the node.
func (n *node) nodeEvent(t *testing.T, reason, part string) {
	t.Helper()
	eventually(t, "the node has an event "+reason+" of "+part, func() bool {
		list, err := n.Client.CoreV1().Events("default").List(t.Context(), metav1.ListOptions{FieldSelector: "involvedObject.kind=Node"})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list.Items {
			if e.Reason == reason && strings.Contains(e.Message, part) && e.InvolvedObject.Name == nodeName {
				return true
			}
		}
		return false
	})
}

// relieve has a disk of which there is never enough.
func relieve(t *testing.T, n *node) {
	write := func(mebibytes, then string) string {
		return "head -c $((" + mebibytes + "*1048576)) /dev/zero > /var/file; echo written; " + then
	}
	ended := n.create(t, shell("ended", write("20", ":"), policy(corev1.RestartPolicyNever)))
	modest := n.create(t, shell("modest", write("1", "sleep 1000")))
	granted := n.create(t, shell("granted", write("40", "sleep 1000"), func(p *corev1.Pod) {
		p.Spec.Containers[0].Resources.Requests = corev1.ResourceList{corev1.ResourceEphemeralStorage: resource.MustParse("100Mi")}
	}))
	greedy := n.create(t, shell("greedy", write("60", "sleep 1000")))
	for _, pod := range []*corev1.Pod{ended, modest, granted, greedy} {
		n.logs(t, pod, "main", "written\n")
	}
	n.phase(t, ended, corev1.PodSucceeded)
	hard, err := upkeep.ParseThresholds("nodefs.available<9999Ti")
	if err != nil {
		t.Fatal(err)
	}
	n.keep(t, upkeep.Settings{ImageHigh: 100, Hard: hard})
	if got := n.evicted(t, greedy); !strings.HasPrefix(got, "The node was low on resource: ephemeral-storage. Threshold: space of the disk of pods: nodefs.available is ") {
		t.Errorf("its message is %q", got)
	}
	n.nodeEvent(t, "EvictionThresholdMet", "Attempting to reclaim ephemeral-storage")
	eventually(t, "what the ended pod has written is gone", func() bool {
		list, err := n.runtime.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range list {
			if s.Config.UID == string(ended.UID) {
				return false
			}
		}
		return true
	})
	if got := n.log(t, ended, "main", 0); got != "written\n" {
		t.Errorf("the ended pod's log is %q", got)
	}
	for _, pod := range []*corev1.Pod{modest, granted} {
		if p := n.running(t, pod); p.Status.Reason != "" || p.Status.ContainerStatuses[0].RestartCount != 0 {
			t.Errorf("%s is not left alone: %+v", pod.Name, p.Status)
		}
	}
	for _, pod := range []*corev1.Pod{ended, modest, granted, greedy} {
		n.delete(t, pod, 0)
		n.gone(t, pod)
		n.removed(t, pod)
	}
}
