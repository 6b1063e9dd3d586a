package cluster

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/causeway-access/causeway/internal/store"
)

func TestAPIServersOfOneClusterShareAnEtcd(t *testing.T) {
	etcd, err := store.Start(t.Context(), store.Config{Dir: filepath.Join(shortDir(t), "etcd")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(etcd.Close)
	config := func() Config {
		dir := shortDir(t)
		return Config{
			DataDir: filepath.Join(dir, "data"), Listen: "127.0.0.1:0", Kubeconfig: filepath.Join(dir, "kubeconfig"),
			Etcd: store.Endpoints{Servers: []string{etcd.Endpoint()}},
		}
	}
	run := func(cfg Config) *Cluster {
		ctx, cancel := context.WithCancel(t.Context())
		c, err := Start(ctx, cfg)
		if err != nil {
			cancel()
			t.Fatal(err)
		}
		t.Cleanup(func() {
			cancel()
			if err := c.Wait(); err != nil {
				t.Error(err)
			}
		})
		return c
	}
	first, second := config(), config()
	one := run(first)

	if _, err := Start(t.Context(), config()); err == nil || !strings.Contains(err.Error(), "another certificate authority") || !strings.Contains(err.Error(), one.Info().Fingerprint) {
		t.Errorf("a stranger to the cluster: got %v, want that it has another authority", err)
	}
	for _, file := range []string{"ca.crt", "ca.key"} {
		copyFile(t, filepath.Join(first.DataDir, "pki", file), filepath.Join(second.DataDir, "pki", file))
	}
	if _, err := Start(t.Context(), second); err == nil || !strings.Contains(err.Error(), "another key that signs the tokens of service accounts") {
		t.Errorf("one with half of what they share: got %v, want that it has another signing key", err)
	}
	if err := os.RemoveAll(second.DataDir); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(second.DataDir, "pki"), os.DirFS(filepath.Join(first.DataDir, "pki"))); err != nil {
		t.Fatal(err)
	}
	two := run(second)
	a, errA := clientOf(t, one).CoreV1().Namespaces().Get(t.Context(), "default", metav1.GetOptions{})
	b, errB := clientOf(t, two).CoreV1().Namespaces().Get(t.Context(), "default", metav1.GetOptions{})
	if errA != nil || errB != nil || a.UID != b.UID {
		t.Errorf("the two have the namespaces %v (%v) and %v (%v), want one and the same", a.UID, errA, b.UID, errB)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(to), 0o700)
	}
	if err == nil {
		err = os.WriteFile(to, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestAnEtcdThatIsNotThereIsNamed(t *testing.T) {
	dir := shortDir(t)
	_, err := Start(t.Context(), Config{
		DataDir: filepath.Join(dir, "data"), Listen: "127.0.0.1:0", Kubeconfig: filepath.Join(dir, "kubeconfig"),
		Etcd: store.Endpoints{Servers: []string{"unix://" + filepath.Join(dir, "nobody.sock")}},
	})
	if err == nil || !strings.Contains(err.Error(), "nobody.sock") || !strings.Contains(err.Error(), "is it running") {
		t.Errorf("got %v, want the address and what to look at", err)
	}
}
