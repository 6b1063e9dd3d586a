//go:build linux && host && root

package walkthrough

import (
	"fmt"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/miekg/dns"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/causeway-access/causeway/test/inside"
)

// TestAnOrdinaryUsersMachineJoins has somebody who is not root make a second
// machine a node by the printed line alone, run pods there that are reached and
// that reach what they should, lose the agent, and leave.
func TestAnOrdinaryUsersMachineJoins(t *testing.T) {
	if !inside.Namespaces(t) {
		return
	}
	outside := namedOutside(t, "outside.example.", somebodyOutside(t))
	h := newHome(t)
	p := &pair{home: h, up: h.node(t), second: h.neighbour(t).ordinary(t)}
	t.Cleanup(func() { p.down(t) })
	_, server, _ := p.join(t)
	p.waits(t, "is reached by a tunnel", func(n *corev1.Node) bool {
		return len(n.Status.Addresses) == 1 && n.Status.Addresses[0].Type == corev1.NodeHostName
	})
	p.runEchoOn(t, "second")
	p.reachesEcho(t)
	p.looksOut(t, outside)
	p.lastsWithoutAgent(t, server)
	p.leavesNothing(t)
	refuses(t, p.node(server, "--tunnel=false"), 2, "is reached by its tunnel alone")
}

// ordinary is the machine for somebody who is not root.
func (m machine) ordinary(t *testing.T) machine {
	t.Helper()
	const nobody = 65534
	if err := os.Chown(m.dir, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	m.user = []string{fmt.Sprintf("--setuid=%d", nobody), fmt.Sprintf("--setgid=%d", nobody)}
	return m
}

// runEchoOn runs the pod echo, with a service, on one node.
func (p *pair) runEchoOn(t *testing.T, node string) {
	t.Helper()
	const text = `
apiVersion: v1
kind: Pod
metadata: {name: echo, labels: {app: echo}}
spec:
  nodeSelector: {kubernetes.io/hostname: %s}
  containers: [{name: echo, image: host, command: [causeway, echo, --listen, ":8080"]}]
---
apiVersion: v1
kind: Service
metadata: {name: echo}
spec: {selector: {app: echo}, ports: [{name: http, port: 80, targetPort: 8080}]}
`
	rewrite(t, p.path("echo.yaml"), fmt.Appendf(nil, text, node))
	p.kubectl(t, "apply", "-f", p.path("echo.yaml"))
	p.kubectl(t, "wait", "pod/echo", "--for=condition=Ready", "--timeout=180s")
}

// looksOut has the pod reach services by name, the API, and what is outside by
// a name that only the machine's name server knows.
func (p *pair) looksOut(t *testing.T, outside string) {
	t.Helper()
	for what, want := range map[string]string{
		"http://echo.default/short": `"/short"`, "http://echo.default.svc.cluster.local/long": `"/long"`,
		"https://kubernetes.default/version": `"Unauthorized"`, outside: "outside",
	} {
		until(t, "the pod reaches "+what, func() (bool, string) { // services come when they are known
			out, err := p.tryKubectl("exec", "echo", "--", "curl", "-sS", "-k", "-m", "60", what)
			return err == nil && strings.Contains(out, want), out
		})
	}
}

// lastsWithoutAgent has the agent killed, and then end: the pod goes on, and the
// next agent, without token or hash, finds it.
func (p *pair) lastsWithoutAgent(t *testing.T, to string) {
	t.Helper()
	get := func() corev1.ContainerStatus {
		pod, err := p.up.client.CoreV1().Pods("default").Get(t.Context(), "echo", metav1.GetOptions{})
		if err != nil || len(pod.Status.ContainerStatuses) == 0 {
			t.Fatal(pod, err)
		}
		return pod.Status.ContainerStatuses[0]
	}
	before := get()
	for name, end := range map[string]func(*server) error{"killed": (*server).kill, "told to end": (*server).stop} {
		if err := end(p.agent); err != nil {
			t.Fatal(err)
		}
		p.run(t, p.node(to))
		p.waits(t, "is ready", ready(corev1.ConditionTrue))
		until(t, "its log", func() (bool, string) { // its API has a port of its own again
			out, err := p.tryKubectl("logs", "echo")
			return err == nil && strings.Contains(out, "echo: HTTP"), out
		})
		p.reachesEcho(t)
		if after := get(); after.ContainerID != before.ContainerID || after.RestartCount != before.RestartCount {
			t.Errorf("%s: before: %v; after: %v", name, before, after)
		}
	}
}

// leavesNothing ends the node and its pods.
func (p *pair) leavesNothing(t *testing.T) {
	t.Helper()
	if err := p.agent.stop(); err != nil {
		t.Error(err)
	}
	p.kubectl(t, "delete", "node", "second")
	out, err := p.second.command("causeway", "down", "--data-dir", p.dir(), "--grace-period", "1s").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "pod default/echo ended") {
		t.Errorf("causeway down: %v: %s", err, out)
	}
	noProcesses(t, p.dir())
}

// namedOutside is the URL of HOST:PORT by a name that the machine's name server
// knows. The server is the test's, and so is resolv.conf.
func namedOutside(t *testing.T, name, address string) string {
	t.Helper()
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	record, err := dns.NewRR(name + " 60 IN A " + host)
	if err != nil {
		t.Fatal(err)
	}
	packets, err := net.ListenPacket("udp", net.JoinHostPort(inside.Address, "53"))
	if err != nil {
		t.Fatal(err)
	}
	s := &dns.Server{PacketConn: packets, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, r *dns.Msg) {
		reply := new(dns.Msg).SetRcode(r, dns.RcodeNameError)
		if strings.EqualFold(r.Question[0].Name, name) {
			reply.Rcode = dns.RcodeSuccess
			if r.Question[0].Qtype == dns.TypeA {
				reply.Answer = []dns.RR{record}
			}
		}
		_ = w.WriteMsg(reply) // who has asked may have gone
	})}
	served := make(chan error, 1)
	go func() { served <- s.ActivateAndServe() }()
	t.Cleanup(func() {
		packets.Close()
		<-served
	})
	file := t.TempDir() + "/resolv.conf"
	rewrite(t, file, []byte("nameserver "+inside.Address+"\n"))
	mustRun(t, "chmod", "644", file)
	mustRun(t, "mount", "--bind", file, "/etc/resolv.conf")
	return "http://" + strings.TrimSuffix(name, ".") + ":" + port + "/"
}
