package volume_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/causeway-access/causeway/internal/node/volume"
	"github.com/causeway-access/causeway/test/locked"
)

// node is a node's volumes and a namespace to have pods in.
type node struct {
	*volume.Manager
	name, ns, dir string
	log           *locked.Buffer
	stop          func() // ends the agent; may be called again
}

// newNode starts a node's volumes, with a node's own rights.
func newNode(t *testing.T) *node {
	t.Helper()
	n := &node{ns: shared.Namespace(t), dir: t.TempDir(), log: &locked.Buffer{}}
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
