//go:build linux && host

package pods_test

import (
	"bufio"
	"errors"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/causeway-access/causeway/test/inside"
)

// doors are the stories of ports of the node.
var doors = []story{
	{"a port of the node leads to a pod", leadToPod},
	{"a port that another program has is told of, and tried again", portInUse},
	{"of two pods bound here that want one port the second fails", refuseSecond},
}

// says is a program that says the pod's name to who connects to its port 80.
const says = `exec python3 -c '
import socket
s = socket.create_server(("", 80))
while True:
    c, _ = s.accept()
    c.sendall(socket.gethostname().encode() + b"\n")
    c.close()'`

func hostPort(number int32) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		p.Spec.Containers[0].Ports = []corev1.ContainerPort{{Name: "http", ContainerPort: 80, HostPort: number}}
	}
}

// heard is what a port of the node says; an error says so.
func heard(address string) string {
	c, err := net.DialTimeout("tcp", address, patience)
	if err != nil {
		return err.Error()
	}
	defer c.Close()
	_ = c.SetReadDeadline(time.Now().Add(patience))
	line, err := bufio.NewReader(c).ReadString('\n')
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(line)
}

// closed waits until nobody has a port of the node.
func closed(t *testing.T, address string) {
	t.Helper()
	eventually(t, address+" is closed", func() bool {
		c, err := net.DialTimeout("tcp", address, patience)
		if err == nil {
			c.Close()
		}
		return errors.Is(err, syscall.ECONNREFUSED)
	})
}

func leadToPod(t *testing.T, n *node) {
	at := inside.Address + ":18080"
	pod := n.create(t, shell("led-to", says, hostPort(18080)))
	eventually(t, "its port leads to it", func() bool { return heard(at) == "led-to" })
	if got := heard("127.0.0.1:18080"); got != "led-to" {
		t.Errorf("on loopback: %s", got)
	}
	n.delete(t, pod, 0)
	n.gone(t, pod)
	closed(t, at)
	next := n.create(t, shell("led-to-next", says, hostPort(18080)))
	eventually(t, "the port leads to the next", func() bool { return heard(at) == "led-to-next" })
	n.delete(t, next, 0)
	n.gone(t, next)
}

func portInUse(t *testing.T, n *node) {
	other, err := net.Listen("tcp", "127.0.0.1:18081")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	pod := n.create(t, shell("shut-out", says, hostPort(18081)))
	n.running(t, pod)
	n.event(t, pod, "HostPortNotOpen: Port TCP 0.0.0.0:18081 of the node does not lead to the pod, and is tried again: listen tcp4 0.0.0.0:18081: bind: address already in use")
	other.Close()
	eventually(t, "its port leads to it", func() bool { return heard(inside.Address+":18081") == "shut-out" })
	n.delete(t, pod, 0)
	n.gone(t, pod)
}

func refuseSecond(t *testing.T, n *node) {
	first := n.create(t, shell("first-there", "sleep 1000", hostPort(18082)))
	n.running(t, first)
	second := n.create(t, shell("second-there", "sleep 1000", hostPort(18082)))
	s := n.phase(t, second, corev1.PodFailed).Status
	const why = "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports"
	if s.Reason != "NodePorts" || s.Message != "Pod was rejected: "+why || len(s.ContainerStatuses) > 0 {
		t.Errorf("its status is %+v", s)
	}
	n.event(t, second, "NodePorts: "+why)
	other := n.create(t, shell("other-address", "sleep 1000", hostPort(18082), func(p *corev1.Pod) {
		p.Spec.Containers[0].Ports[0].Protocol = corev1.ProtocolUDP
	}))
	n.running(t, other)
	n.delete(t, first, 0)
	n.gone(t, first)
	third := n.create(t, shell("third-there", "sleep 1000", hostPort(18082)))
	n.running(t, third)
	if now := n.phase(t, second, corev1.PodFailed); now.Status.Reason != "NodePorts" {
		t.Errorf("the second is %+v now", now.Status)
	}
	for _, pod := range []*corev1.Pod{second, other, third} {
		n.delete(t, pod, 0)
		n.gone(t, pod)
	}
}

// leadAgain is told when no other story is.
func leadAgain(t *testing.T, n *node) {
	at := inside.Address + ":18083"
	pod := n.create(t, shell("led-again", says, hostPort(18083)))
	eventually(t, "its port leads to it", func() bool { return heard(at) == "led-again" })
	n.stop()
	closed(t, at)
	late := n.create(t, shell("late", says, hostPort(18083)))
	n.start(t)
	if s := n.phase(t, late, corev1.PodFailed).Status; s.Reason != "NodePorts" {
		t.Errorf("one that came while no agent was there: %+v", s)
	}
	eventually(t, "its port leads to it again", func() bool { return heard(at) == "led-again" })
	for _, pod := range []*corev1.Pod{pod, late} {
		n.delete(t, pod, 0)
		n.gone(t, pod)
	}
}
