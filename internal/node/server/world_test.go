//go:build linux && host

package server_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apiserver/pkg/authentication/request/x509"
	"k8s.io/apiserver/pkg/authorization/authorizerfactory"

	"github.com/causeway-access/causeway/internal/certs"
	"github.com/causeway-access/causeway/internal/cluster"
	"github.com/causeway-access/causeway/internal/node/server"
	"github.com/causeway-access/causeway/internal/podrun"
	"github.com/causeway-access/causeway/internal/podrun/ns"
	"github.com/causeway-access/causeway/test/testcluster"
)

// nodeName is the node of all pods here.
const nodeName = "node-1"

// world is a cluster whose only node is this test: it makes the sandboxes and
// containers itself, and says of pods what their status is.
type world struct {
	*testcluster.Cluster
	t       *testing.T
	runtime *ns.Runtime
	logs    string

	mu    sync.Mutex
	pods  []*corev1.Pod
	boxes map[string]string // by the names of pods
}

func newWorld(t *testing.T) *world {
	t.Helper()
	data, err := os.MkdirTemp("", "cw") // short: sockets are in it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(data) })
	w := &world{t: t, Cluster: testcluster.New(t, cluster.Config{DataDir: data}), logs: t.TempDir(), boxes: map[string]string{}}
	root := filepath.Join(t.TempDir(), "root")
	if err := os.Mkdir(root, 0o700); err != nil {
		t.Fatal(err)
	}
	groups := fmt.Sprintf("causeway-test-server-%d", os.Getpid())
	t.Cleanup(func() {
		for _, pattern := range []string{"/sys/fs/cgroup/", "/sys/fs/cgroup/*/"} {
			left, _ := filepath.Glob(pattern + groups)
			for _, dir := range left {
				if err := os.Remove(dir); err != nil {
					t.Error(err)
				}
			}
		}
	})
	w.runtime, err = ns.New(ns.Config{Root: root, PodCIDR: netip.MustParsePrefix("10.244.8.0/24"), CgroupParent: groups})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.runtime.Close() })
	authority, err := certs.OpenAuthority(filepath.Join(data, "pki"))
	if err != nil {
		t.Fatal(err)
	}
	w.register(w.serve(authority))
	return w
}

// serve serves the node's API to those who have a certificate, and returns its port.
func (w *world) serve(authority *certs.Authority) int {
	w.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	cert, key, err := authority.Issue(certs.Leaf{CommonName: "system:node:" + nodeName, IPs: []net.IP{net.IPv4(127, 0, 0, 1)}, Server: true})
	if err != nil {
		w.t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		w.t.Fatal(err)
	}
	verify := x509.DefaultVerifyOptions()
	verify.Roots = authority.Pool()
	handler := server.New(server.Config{
		Node: nodeName, Pods: w, Runtime: w.runtime, LogDir: w.logs,
		Authenticator: x509.New(verify, x509.CommonNameUserConversion),
		Authorizer:    authorizerfactory.NewPrivilegedGroups("system:masters"),
	})
	ctx, end := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	config := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequestClientCert}
	go func() { ended <- server.Serve(ctx, l, config, handler, slog.Default()) }()
	w.t.Cleanup(func() {
		end()
		if err := <-ended; err != nil {
			w.t.Error(err)
		}
	})
	return l.Addr().(*net.TCPAddr).Port
}

func (w *world) register(port int) {
	w.t.Helper()
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: nodeName}, Status: corev1.NodeStatus{
		Addresses:       []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: "127.0.0.1"}},
		DaemonEndpoints: corev1.NodeDaemonEndpoints{KubeletEndpoint: corev1.DaemonEndpoint{Port: int32(port)}},
		Conditions:      []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}},
	}}
	if _, err := w.Client.CoreV1().Nodes().Create(w.t.Context(), node, metav1.CreateOptions{}); err != nil {
		w.t.Fatal(err)
	}
	eventually(w.t, "the default service account exists", func() bool {
		_, err := w.Client.CoreV1().ServiceAccounts("default").Get(w.t.Context(), "default", metav1.GetOptions{})
		return err == nil
	})
}

// run runs a pod whose containers run scripts, by their names.
func (w *world) run(name string, scripts map[string]string) *corev1.Pod {
	w.t.Helper()
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: corev1.PodSpec{NodeName: nodeName, RestartPolicy: corev1.RestartPolicyNever}}
	for _, container := range slices.Sorted(maps.Keys(scripts)) {
		p.Spec.Containers = append(p.Spec.Containers, corev1.Container{
			Name: container, Image: podrun.HostImage, Stdin: container == "talk", StdinOnce: container == "talk",
		})
	}
	p, err := w.Client.CoreV1().Pods("default").Create(w.t.Context(), p, metav1.CreateOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	box, err := w.runtime.RunSandbox(w.t.Context(), podrun.SandboxConfig{Namespace: p.Namespace, Name: p.Name, UID: string(p.UID)})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		if err := w.runtime.RemoveSandbox(context.Background(), box); err != nil {
			w.t.Error(err)
		}
	})
	w.mu.Lock()
	w.boxes[p.Name] = box
	w.mu.Unlock()
	for _, c := range p.Spec.Containers {
		w.start(box, p, c.Name, scripts[c.Name])
	}
	p.Status.Phase = corev1.PodRunning
	if p, err = w.Client.CoreV1().Pods("default").UpdateStatus(w.t.Context(), p, metav1.UpdateOptions{}); err != nil {
		w.t.Fatal(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pods = append(w.pods, p)
	return p
}

// start starts a container of a pod.
func (w *world) start(box string, p *corev1.Pod, name, script string) {
	w.t.Helper()
	path := filepath.Join(w.logs, fmt.Sprintf("%s_%s_%s", p.Namespace, p.Name, p.UID), name, "0.log")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		w.t.Fatal(err)
	}
	id, err := w.runtime.CreateContainer(w.t.Context(), box, podrun.ContainerConfig{
		Name: name, Image: podrun.HostImage, Command: []string{"sh", "-c", script}, LogPath: path,
		Stdin: name == "talk", StdinOnce: name == "talk", Env: []string{"WHO=" + name},
	})
	if err == nil {
		err = w.runtime.StartContainer(w.t.Context(), id)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// Pods implements [server.Pods].
func (w *world) Pods() []*corev1.Pod {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.pods)
}

// Container implements [server.Pods].
func (w *world) Container(_, pod string, _ types.UID, container string) (podrun.Container, error) {
	boxes, err := w.runtime.List(context.Background())
	if err != nil {
		return podrun.Container{}, err
	}
	found, err := podrun.Container{}, podrun.ErrNotFound
	for _, box := range boxes {
		for _, c := range box.Containers {
			if box.Config.Name == pod && c.Config.Name == container {
				found, err = c, nil
			}
		}
	}
	return found, err
}

// Sandbox implements [server.Pods].
func (w *world) Sandbox(_, pod string, _ types.UID) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if id, ok := w.boxes[pod]; ok {
		return id, nil
	}
	return "", podrun.ErrNotFound
}

func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); !f(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it never came that %s", what)
		}
	}
}
