//go:build host

package walkthrough

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/causeway-access/causeway/internal/certs"
	"github.com/causeway-access/causeway/internal/store"
	"github.com/causeway-access/causeway/test/inside"
)

// TestANodeBehindATunnelOutlivesAnAPIServer has two API servers, and a node that
// keeps a tunnel to each. Each reaches its pod. One dies without a word, while
// the node's certificates are about to end: the node goes on with the other,
// and with new certificates.
func TestANodeBehindATunnelOutlivesAnAPIServer(t *testing.T) {
	if !inside.Namespaces(t) {
		return
	}
	etcd := newHome(t)
	kept, err := store.Start(t.Context(), store.Config{Dir: etcd.path("etcd")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(kept.Close)
	one := &member{home: newHome(t), url: "https://" + inside.Address + ":6443"}
	two := &member{home: newHome(t), url: "https://" + inside.Address + ":6444"}
	one.start(t, kept.Endpoint())
	one.shareWith(t, two)
	two.start(t, kept.Endpoint())
	namesAllServers(t, []*member{one, two})

	h := newHome(t)
	p := &pair{home: h, up: one.up, second: h.neighbour(t)}
	t.Cleanup(func() { p.down(t) })
	_, server, _ := p.join(t, "--tunnel")
	p.runEcho(t)
	if err := p.agent.stop(); err != nil {
		t.Fatal(err)
	}

	end := p.shorten(t, one)
	nobody := "--server=https://" + inside.Address + ":6445" // what is told first need not be there
	p.run(t, p.node(nobody, server, "--tunnel"))
	for _, m := range []*member{one, two} {
		p.up = m.up
		p.reachesEcho(t)
	}
	one.dies(t)
	p.reachesEcho(t) // by the other
	until(t, "the node lives on, when its old certificates have ended", func() (bool, string) {
		lease, err := p.up.client.CoordinationV1().Leases(corev1.NamespaceNodeLease).Get(t.Context(), "second", metav1.GetOptions{})
		return err == nil && lease.Spec.RenewTime.After(end), fmt.Sprint(lease, err)
	})
	p.waits(t, "is ready", ready(corev1.ConditionTrue))
	p.reachesEcho(t)
}

// runEcho runs a pod.
func (p *pair) runEcho(t *testing.T) {
	t.Helper()
	pods := p.up.client.CoreV1().Pods("default")
	_, err := pods.Create(t.Context(), &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "echo"}, Spec: corev1.PodSpec{
		Containers: []corev1.Container{{Name: "echo", Image: "host", Command: []string{"causeway", "echo", "--listen", ":8080"}}},
	}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	until(t, "the pod runs", func() (bool, string) {
		pod, err := pods.Get(t.Context(), "echo", metav1.GetOptions{})
		return err == nil && pod.Status.Phase == corev1.PodRunning, fmt.Sprint(pod, err)
	})
}

// reachesEcho has an API server reach the pod in every way. Its tunnel may have
// to be opened first.
func (p *pair) reachesEcho(t *testing.T) {
	t.Helper()
	until(t, p.up.URL+" reaches the pod", func() (bool, string) {
		out, err := p.through(t, "pods/echo:8080")
		return err == nil && strings.Contains(out, `"method": "GET"`), fmt.Sprint(out, err)
	})
	log, err := p.up.client.CoreV1().Pods("default").GetLogs("echo", &corev1.PodLogOptions{}).DoRaw(t.Context())
	if err != nil || !strings.Contains(string(log), "echo: HTTP") {
		t.Errorf("%s says that the log is %q, %v", p.up.URL, log, err)
	}
	if out := p.kubectl(t, "exec", "echo", "--", "hostname"); out != "echo\n" {
		t.Errorf("%s says that the name is %q", p.up.URL, out)
	}
	p.portForward(t, "echo")
}

// shorten gives the node, whose agent does not run, certificates that will have
// ended in a minute, and returns when.
func (p *pair) shorten(t *testing.T, m *member) time.Time {
	t.Helper()
	authority, err := certs.OpenAuthority(m.data("pki"))
	if err != nil {
		t.Fatal(err)
	}
	leaf := certs.Leaf{CommonName: "system:node:second", Organizations: []string{"system:nodes"}, Validity: time.Minute}
	client, serving := leaf, leaf
	client.Client, serving.Server, serving.DNSNames = true, true, []string{"second"}
	for name, leaf := range map[string]certs.Leaf{"kubelet-client": client, "kubelet-server": serving} {
		certificate, key, err := authority.Issue(leaf)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(p.dir(), "node", "pki", name+"-current.pem")
		if _, err := os.Stat(file); err != nil {
			t.Fatal(err)
		}
		rewrite(t, file, slices.Concat(certificate, key)) // which is a link to it
	}
	return time.Now().Add(leaf.Validity)
}
