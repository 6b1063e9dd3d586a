//go:build host

package walkthrough

import (
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/causeway-access/causeway/test/inside"
	"github.com/causeway-access/causeway/test/shellimage"
)

// TestAnOrdinaryUsersPodsRun tells of a node without root: what runs on it is
// reached, survives the death of `up`, and is gone after `down`. All that it
// makes is in namespaces of its own; nothing of the machine's is touched.
func TestAnOrdinaryUsersPodsRun(t *testing.T) {
	if !inside.Namespaces(t) {
		return
	}
	h := newHome(t)
	begin, down := ordinaryCluster(t, h)
	t.Cleanup(func() { down() })
	up := begin()
	t.Run("reached", func(t *testing.T) {
		variables := map[string]string{"KUBECONFIG": up.AdminKubeconfig, "API": up.URL, "DATA": up.DataDir, "GOCACHE": goCache(t), "IMAGE": registryOf(t, "team/shell:1"), "OUTSIDE": somebodyOutside(t)}
		runScripts(t, "testdata/ordinary", variables)
	})
	kubectl := func(args ...string) string {
		t.Helper()
		out, err := h.command("kubectl", append([]string{"--kubeconfig", up.AdminKubeconfig}, args...)...).Output()
		if err != nil {
			t.Fatalf("kubectl %v: %v\n%s", args, err, err.(*exec.ExitError).Stderr)
		}
		return string(out)
	}
	kubectl("run", "lasting", "--image=host", "--", "sh", "-c", "echo begun; exec sleep 1000")
	kubectl("wait", "pod/lasting", "--for=condition=Ready", "--timeout=90s")
	const what = `jsonpath={.status.podIP} {.status.containerStatuses[0].containerID} {.status.containerStatuses[0].restartCount}`
	before := kubectl("get", "pod", "lasting", "-o", what)
	for name, end := range map[string]func(*server) error{"killed": (*server).kill, "told to end": (*server).stop} {
		if err := end(up.server); err != nil {
			t.Fatal(err)
		}
		up = begin()
		kubectl("wait", "pod/lasting", "--for=condition=Ready", "--timeout=90s")
		if after := kubectl("get", "pod", "lasting", "-o", what); after != before {
			t.Errorf("%s: before: %s; after: %s", name, before, after)
		}
		if out := kubectl("exec", "lasting", "--", "hostname"); out != "lasting\n" {
			t.Errorf("%s: its name is %q", name, out)
		}
	}
	if err := up.stop(); err != nil {
		t.Fatal(err)
	}
	if out := down(); !strings.Contains(out, "pod default/lasting ended") {
		t.Errorf("causeway down: %s", out)
	}
	noProcesses(t, h.data())
}

// ordinaryCluster returns what starts the cluster of an ordinary user, with a node
// called worker, and what ends its pods and returns what it says.
func ordinaryCluster(t *testing.T, h home) (begin func() *running, down func() string) {
	t.Helper()
	ordinary := ordinaryUser(t, h)
	begin = func() *running {
		return start(t, ordinary(h.command("causeway", "up", "--node", "--node-name", "worker",
			"--data-dir", h.data(), "--listen", "127.0.0.1:0", "--output", "json")))
	}
	down = func() string {
		t.Helper()
		out, err := ordinary(h.command("causeway", "down", "--data-dir", h.data(), "--grace-period", "1s")).CombinedOutput()
		if err != nil {
			t.Errorf("causeway down: %v\n%s", err, out)
		}
		return string(out)
	}
	return begin, down
}

// registryOf serves an image of a shell by that name on the machine's loopback
// interface, and returns its whole name.
func registryOf(t *testing.T, image string) string {
	t.Helper()
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	whole := strings.TrimPrefix(server.URL, "http://") + "/" + image
	ref, err := name.ParseReference(whole)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(ref, shellimage.New(t, v1.Config{})); err != nil {
		t.Fatal(err)
	}
	return whole
}

// somebodyOutside serves at an address that is not the cluster's, and returns it.
func somebodyOutside(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp4", net.JoinHostPort(inside.Address, "0"))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "outside") }))
	server.Listener.Close()
	server.Listener = l
	server.Start()
	t.Cleanup(server.Close)
	return l.Addr().String()
}
