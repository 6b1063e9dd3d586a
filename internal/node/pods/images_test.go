//go:build linux && host

package pods_test

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	corev1 "k8s.io/api/core/v1"

	"github.com/causeway-access/causeway/test/shellimage"
)

// damager passes on a registry's answers; those with the blob have another last
// byte.
type damager struct {
	http.ResponseWriter
}

func (d damager) Write(p []byte) (int, error) {
	damaged := append([]byte(nil), p...)
	damaged[len(p)-1] ^= 1
	return d.ResponseWriter.Write(damaged)
}

// pushed serves an image under a name that is returned. Its layers come damaged
// where that is asked for.
func pushed(t *testing.T, path string, config v1.Config, damaged bool) string {
	t.Helper()
	image := shellimage.New(t, config)
	layers, err := image.Layers()
	if err != nil {
		t.Fatal(err)
	}
	digest, err := layers[0].Digest()
	if err != nil {
		t.Fatal(err)
	}
	all := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if damaged && r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/blobs/"+digest.String()) {
			w = damager{w}
		}
		all.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	reference := strings.TrimPrefix(server.URL, "http://") + path
	ref, err := name.ParseReference(reference)
	if err == nil {
		err = remote.Write(ref, image)
	}
	if err != nil {
		t.Fatal(err)
	}
	return reference
}

func of(image string) func(*corev1.Pod) {
	return func(p *corev1.Pod) { p.Spec.Containers[0].Image, p.Spec.Containers[0].Command = image, nil }
}

// damagedImage tells of one whose files are not those that its makers have
// signed for.
func damagedImage(t *testing.T, n *node) {
	image := pushed(t, "/team/damaged:v1", v1.Config{Entrypoint: []string{"/bin/sh"}}, true)
	pod := n.create(t, shell("damaged", "", of(image)))
	n.waits(t, pod, "ImagePullBackOff", image)
	n.event(t, pod, "Failed: Failed to pull image \""+image+"\": ")
	n.event(t, pod, "Failed: Error: ErrImagePull")
	n.delete(t, pod, 0)
	n.gone(t, pod)
	if n.has(t, image) {
		t.Error("the node has the damaged image")
	}
}

// unknownUser tells of an image that names a user whom its own files do not know.
func unknownUser(t *testing.T, n *node) {
	image := pushed(t, "/team/user:v1", v1.Config{Entrypoint: []string{"/bin/sh"}, User: "nobody-here"}, false)
	pod := n.create(t, shell("unknown-user", "", of(image), policy(corev1.RestartPolicyNever)))
	s := n.phase(t, pod, corev1.PodFailed).Status
	if c := s.ContainerStatuses[0].State.Terminated; c == nil || c.Reason != "StartError" || c.ExitCode != 128 ||
		!strings.Contains(c.Message, "unable to find user nobody-here: no matching entries in passwd file") {
		t.Errorf("its container is %+v", s.ContainerStatuses[0])
	}
	n.event(t, pod, "Failed: Error: ")
	n.delete(t, pod, 20)
	n.gone(t, pod)
}
