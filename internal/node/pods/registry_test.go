//go:build linux && host

package pods_test

import (
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/causeway-access/causeway/test/shellimage"
)

// A registry that knows a user and a password, as private ones do.
const pullUser, pullPassword = "puller", "not-told-to-anybody"

func privateRegistry(t *testing.T) string {
	t.Helper()
	all := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != pullUser || password != pullPassword {
			w.Header().Set("WWW-Authenticate", `Basic realm="private"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		all.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// pullPrivately tells of an image that not everybody gets.
func pullPrivately(t *testing.T, n *node) {
	host := privateRegistry(t)
	reference := host + "/team/app:v1"
	ref, err := name.ParseReference(reference)
	if err != nil {
		t.Fatal(err)
	}
	image := shellimage.New(t, v1.Config{Entrypoint: []string{"/bin/sh", "-c", "echo from $FROM; read forever"}, Env: []string{"FROM=a private registry"}})
	if err := remote.Write(ref, image, remote.WithAuth(&authn.Basic{Username: pullUser, Password: pullPassword})); err != nil {
		t.Fatal(err)
	}
	private := func(name string, secrets ...corev1.LocalObjectReference) *corev1.Pod {
		return n.create(t, shell(name, "", func(p *corev1.Pod) {
			p.Spec.ImagePullSecrets = secrets
			p.Spec.Containers[0].Image, p.Spec.Containers[0].Command = reference, nil
			p.Spec.Containers[0].Stdin = true
		}))
	}
	stranger := private("stranger")
	n.waits(t, stranger, "ImagePullBackOff", reference)
	n.event(t, stranger, "Failed: Failed to pull image \""+reference+"\": ")

	config, err := json.Marshal(map[string]any{"auths": map[string]any{host: map[string]string{"username": pullUser, "password": pullPassword}}})
	if err != nil {
		t.Fatal(err)
	}
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: "registry"}, Type: corev1.SecretTypeDockerConfigJson,
		Data: map[string][]byte{corev1.DockerConfigJsonKey: config},
	}
	if _, err := n.Client.CoreV1().Secrets("default").Create(t.Context(), secret, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	member := private("member", corev1.LocalObjectReference{Name: "registry"})
	n.running(t, member)
	n.logs(t, member, "main", "from a private registry\n")
	for _, pod := range []*corev1.Pod{stranger, member} {
		for _, event := range n.events(t, pod) {
			if strings.Contains(event, pullPassword) {
				t.Errorf("an event tells the password: %s", event)
			}
		}
		n.delete(t, pod, 0)
		n.gone(t, pod)
	}
}
