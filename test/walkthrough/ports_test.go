//go:build host

package walkthrough

import (
	"encoding/json"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/causeway-access/causeway/test/inside"
)

// ported is a cluster whose node is asked at its ports.
type ported struct {
	home
	up      *running
	outside machine
}

func (p *ported) kubectl(t *testing.T, args ...string) string {
	t.Helper()
	out, err := p.command("kubectl", append([]string{"--kubeconfig", p.up.AdminKubeconfig}, args...)...).Output()
	if err != nil {
		t.Fatalf("kubectl %v: %v\n%s", args, err, err.(*exec.ExitError).Stderr)
	}
	return string(out)
}

// ask has a machine outside, or this one if address is a loopback one, ask a
// port of the node; it returns the pod that answers, or why none does.
func (p *ported) ask(address, port string) string {
	url := "http://" + net.JoinHostPort(address, port) + "/"
	cmd := p.outside.command("curl", "-sS", "--max-time", "60", url)
	if address != inside.Address {
		cmd = p.command("curl", "-sS", "--max-time", "60", url)
	}
	out, err := cmd.CombinedOutput()
	var reply struct{ Pod string }
	if err != nil || json.Unmarshal(out, &reply) != nil {
		return fmt.Sprintf("%v: %s", err, out)
	}
	return reply.Pod
}

// answers waits until so many pods have answered at a port, and nobody else.
func (p *ported) answers(t *testing.T, address, port string, pods int, prefix string) {
	t.Helper()
	seen := map[string]bool{}
	until(t, fmt.Sprintf("%d pods answer at %s:%s", pods, address, port), func() (bool, string) {
		pod := p.ask(address, port)
		if strings.HasPrefix(pod, prefix) {
			seen[pod] = true
		}
		return len(seen) == pods, fmt.Sprintf("%v; %s", seen, pod)
	})
}

func (p *ported) refuses(t *testing.T, port string) {
	t.Helper()
	until(t, "port "+port+" is refused", func() (bool, string) {
		said := p.ask(inside.Address, port)
		return strings.HasPrefix(said, "exit status 7: "), said // curl: failed to connect
	})
}

// example is a manifest that people find with the program.
func example(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("../../examples", name))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// TestPortsOfTheNode has services and pods reached at ports of the node, from
// another machine and from this one, through changes, kills and the end.
func TestPortsOfTheNode(t *testing.T) {
	if !inside.Namespaces(t) {
		return
	}
	h := newHome(t)
	p := &ported{home: h, outside: h.neighbour(t), up: h.node(t)}
	variables := map[string]string{"KUBECONFIG": p.up.AdminKubeconfig, "OUTSIDE": p.outside.network, "MACHINE": inside.Address}
	runScripts(t, "testdata/ports", variables)
	p.kubectl(t, "apply", "-f", example(t, "echo.yaml"))
	p.kubectl(t, "rollout", "status", "deployment/echo", "--timeout=180s")
	p.kubectl(t, "expose", "deployment", "echo", "--name=web", "--type=NodePort", "--port=80", "--target-port=http")
	port := p.kubectl(t, "get", "service", "web", "-o", "jsonpath={.spec.ports[0].nodePort}")
	p.answers(t, inside.Address, port, 3, "echo-")
	p.answers(t, "127.0.0.1", port, 3, "echo-")

	p.kubectl(t, "patch", "service", "web", "-p", `{"spec":{"sessionAffinity":"ClientIP"}}`)
	until(t, "a client stays", func() (bool, string) {
		seen := map[string]bool{}
		for range 6 {
			seen[p.ask(inside.Address, port)] = true
		}
		return len(seen) == 1, fmt.Sprint(seen)
	})
	if err := p.up.kill(); err != nil {
		t.Fatal(err)
	}
	p.refuses(t, port)
	p.up = h.node(t)
	p.answers(t, inside.Address, port, 1, "echo-")
	if now := p.kubectl(t, "get", "service", "web", "-o", "jsonpath={.spec.ports[0].nodePort}"); now != port {
		t.Errorf("its port was %s and is %s", port, now)
	}

	p.kubectl(t, "patch", "service", "web", "-p", `{"spec":{"ports":[{"port":80,"nodePort":32123}]}}`)
	p.answers(t, inside.Address, "32123", 1, "echo-")
	p.refuses(t, port)
	t.Run("another program", func(t *testing.T) { p.otherProgram(t) })
	t.Run("packets", func(t *testing.T) { p.packets(t) })
	p.kubectl(t, "delete", "service", "web")
	p.refuses(t, "32123")
}

// otherProgram has a port that a service is to have.
func (p *ported) otherProgram(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:32124")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	p.kubectl(t, "expose", "deployment", "echo", "--name=late", "--type=NodePort", "--port=80", "--target-port=http",
		`--overrides={"spec":{"ports":[{"port":80,"protocol":"TCP","targetPort":"http","nodePort":32124}]}}`)
	until(t, "its description says so", func() (bool, string) {
		out := p.kubectl(t, "describe", "service", "late")
		return strings.Contains(out, "NodePortNotOpen") && strings.Contains(out, "address already in use"), out
	})
	p.answers(t, inside.Address, "32123", 1, "echo-")
	l.Close()
	p.answers(t, inside.Address, "32124", 1, "echo-")
}

// packets go to a node port from another machine and back.
func (p *ported) packets(t *testing.T) {
	p.kubectl(t, "run", "udp", "--image=host", "--labels=app=udp", "--", "causeway", "echo", "--listen", "", "--udp", ":7000")
	p.kubectl(t, "wait", "pod/udp", "--for=condition=Ready", "--timeout=180s")
	p.kubectl(t, "expose", "pod", "udp", "--type=NodePort", "--protocol=UDP", "--port=7000",
		`--overrides={"spec":{"ports":[{"port":7000,"protocol":"UDP","nodePort":32125}]}}`)
	const ask = `
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(5)
s.connect((sys.argv[1], int(sys.argv[2])))
s.send(b"over there?")
print(s.recv(100).decode())`
	until(t, "a packet comes back", func() (bool, string) {
		out, err := p.outside.command("python3", "-c", ask, inside.Address, "32125").CombinedOutput()
		return err == nil && string(out) == "over there?\n", string(out)
	})
}
