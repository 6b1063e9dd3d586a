package cluster

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/causeway-access/causeway/internal/kubeconfig"
	"github.com/causeway-access/causeway/internal/lockfile"
)

// start brings a cluster up in dir and returns it with what ends it.
func start(t *testing.T, dir string) (*Cluster, func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	c, err := Start(ctx, Config{
		DataDir: filepath.Join(dir, "data"), Listen: "127.0.0.1:0", Kubeconfig: filepath.Join(dir, "kubeconfig"),
		ServiceAccountTokenSecrets: true,
	})
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	return c, func() {
		cancel()
		if err := c.Wait(); err != nil {
			t.Errorf("the cluster ended with %v", err)
		}
	}
}

// shortDir leaves room for the names of sockets.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "cw")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func TestTheNextStartIsTheSameCluster(t *testing.T) {
	dir := shortDir(t)
	c, stop := start(t, dir)
	before := credentials(t, c)
	client := clientOf(t, c)
	if _, err := client.CoreV1().ConfigMaps("default").Create(t.Context(), &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: "kept"}, Data: map[string]string{"a": "b"},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}

	_, err := Start(t.Context(), Config{DataDir: c.Info().DataDir, Listen: "127.0.0.1:0", Kubeconfig: c.Info().Kubeconfig})
	var held *lockfile.HeldError
	if !errors.As(err, &held) || held.PID != os.Getpid() {
		t.Errorf("a second cluster on the same directory: got %v, want that this process holds it", err)
	}
	stop()

	cutOff := []string{".kubernetes_auth.1", "pki/.ca.crt.23", "tokens/.admin.456"} // as a kill -9 in the middle of a write leaves them
	for _, name := range cutOff {
		if err := os.WriteFile(filepath.Join(c.Info().DataDir, name), []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, stop = start(t, dir)
	defer stop()
	for _, name := range cutOff {
		if _, err := os.Stat(filepath.Join(c.Info().DataDir, name)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is still there: %v", name, err)
		}
	}
	got, err := clientOf(t, c).CoreV1().ConfigMaps("default").Get(t.Context(), "kept", metav1.GetOptions{})
	if err != nil || got.Data["a"] != "b" {
		t.Errorf("after the restart: %v, %v", got.Data, err)
	}
	if d := cmp.Diff(before, credentials(t, c)); d != "" {
		t.Errorf("the restart changed credentials (-before +after):\n%s", d)
	}
}

// credentials are what a client may have written down.
func credentials(t *testing.T, c *Cluster) map[string]string {
	t.Helper()
	auth, err := kubeconfig.ReadAuth(c.Info().KubernetesAuth)
	if err != nil {
		t.Fatal(err)
	}
	token, err := os.ReadFile(c.Info().TokenFile)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{"user": auth.User, "password": auth.Password, "token": string(token), "fingerprint": c.Info().Fingerprint}
}

func clientOf(t *testing.T, c *Cluster) kubernetes.Interface {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", c.Info().Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func TestEveryCredentialItWritesIsGoodAndPrivate(t *testing.T) {
	c, stop := start(t, shortDir(t))
	defer stop()
	known := credentials(t, c)
	for _, tt := range []struct {
		name   string
		with   func(*http.Request)
		status int
	}{
		{"token", func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+known["token"]) }, http.StatusOK},
		{"password", func(r *http.Request) { r.SetBasicAuth(known["user"], known["password"]) }, http.StatusOK},
		{"a wrong password", func(r *http.Request) { r.SetBasicAuth(known["user"], "wrong") }, http.StatusUnauthorized},
		{"a wrong token", func(r *http.Request) { r.Header.Set("Authorization", "Bearer wrong") }, http.StatusUnauthorized},
		{"nothing", func(*http.Request) {}, http.StatusUnauthorized},
	} {
		t.Run(tt.name, func(t *testing.T) {
			reply := get(t, c, "/api/v1/namespaces/default", tt.with)
			if reply.StatusCode != tt.status {
				t.Errorf("got %s, want %d", reply.Status, tt.status)
			}
			challenge := reply.Header.Get("WWW-Authenticate")
			if asked := strings.HasPrefix(challenge, "Basic "); asked != (tt.status == http.StatusUnauthorized) {
				t.Errorf("WWW-Authenticate is %q with status %d", challenge, reply.StatusCode)
			}
		})
	}
	if reply := get(t, c, "/readyz", func(*http.Request) {}); reply.StatusCode != http.StatusOK {
		t.Errorf("health without credentials: %s", reply.Status)
	}
	private(t, c.Info().DataDir)
}

func get(t *testing.T, c *Cluster, path string, with func(*http.Request)) *http.Response {
	t.Helper()
	pem, err := os.ReadFile(c.Info().CAFile)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, DisableKeepAlives: true}}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.Info().URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	with(request)
	reply, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = reply.Body.Close() })
	return reply
}

// private checks that nothing in dir but certificates, which are public, can
// be read by others, if they came past its directory.
func private(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Type()&fs.ModeSocket != 0 || filepath.Ext(path) == ".crt" {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode().Perm())
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
