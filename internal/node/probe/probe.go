// Package probe asks containers how they are, as their pods say: by HTTP, a TCP
// connection, a command or gRPC; it counts the answers and tells of the changes.
// It also calls the hooks of a container's life.
//
// Floor 2, a part of the node's agent. It reaches containers by their address
// and by a function that runs commands, and knows no API.
package probe

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Target is the container to be asked.
type Target struct {
	// IP is the pod's address: the node's if the pod shares its network.
	IP netip.Addr
	// Container has the ports that handlers may name, and the probes.
	Container *corev1.Container
	// Exec runs a command in the container and returns its exit code and what
	// it wrote to both its outputs. The error is that it could not be run.
	// When ctx ends, the command is to end.
	Exec func(ctx context.Context, args []string) (code int, output []byte, err error)
	// Dial connects to an address; nil means by the network of this process.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Outcome is what came of one attempt.
type Outcome string

// Outcomes.
const (
	Success Outcome = "Success"
	// Warning is a success with something to be told.
	Warning Outcome = "Warning"
	Failure Outcome = "Failure"
	// Unknown: the container could not be asked, through no fault of its own.
	// It counts for nothing.
	Unknown Outcome = "Unknown"
)

// Result is an outcome and more to it, for people.
type Result struct {
	Outcome Outcome
	Message string
}

func failure(format string, args ...any) Result {
	return Result{Failure, fmt.Sprintf(format, args...)}
}

// longest is how much of an answer is kept, in bytes.
const longest = 10 << 10

// Check asks once. ctx bounds it.
func Check(ctx context.Context, t Target, h corev1.ProbeHandler) Result {
	switch {
	case h.Exec != nil:
		return t.exec(ctx, h.Exec.Command)
	case h.HTTPGet != nil:
		return t.get(ctx, h.HTTPGet)
	case h.TCPSocket != nil:
		return t.connect(ctx, h.TCPSocket)
	case h.GRPC != nil:
		return t.health(ctx, h.GRPC)
	}
	return Result{Unknown, "missing probe handler: it has none of exec, httpGet, tcpSocket and grpc"}
}

// connect succeeds if somebody accepts a connection.
func (t Target) connect(ctx context.Context, s *corev1.TCPSocketAction) Result {
	address, err := t.address(s.Host, s.Port)
	if err != nil {
		return Result{Unknown, err.Error()}
	}
	conn, err := t.dial(ctx, "tcp", address)
	if err != nil {
		return failure("%v", err)
	}
	_ = conn.Close() // nothing was written
	return Result{Outcome: Success}
}

// address is where a handler leads: a host, the pod if it names none, and a
// port by its number or its name in the container.
func (t Target) address(host string, port intstr.IntOrString) (string, error) {
	number, err := t.port(port)
	if err != nil {
		return "", err
	}
	if host == "" {
		if !t.IP.IsValid() {
			return "", fmt.Errorf("the pod has no address yet")
		}
		host = t.IP.String()
	}
	return net.JoinHostPort(host, strconv.Itoa(number)), nil
}

func (t Target) port(port intstr.IntOrString) (int, error) {
	number := port.IntValue()
	if port.Type == intstr.String {
		for _, p := range t.Container.Ports {
			if p.Name == port.StrVal {
				number = int(p.ContainerPort)
			}
		}
	}
	if number < 1 || number > 65535 {
		return 0, fmt.Errorf("invalid port number: %s", port.String())
	}
	return number, nil
}

// dial connects. A connection of a probe does not occupy its port for long when
// it is over: there are many.
func (t Target) dial(ctx context.Context, network, address string) (net.Conn, error) {
	dial := t.Dial
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	conn, err := dial(ctx, network, address)
	if tcp, ok := conn.(*net.TCPConn); ok && err == nil {
		_ = tcp.SetLinger(1) // second; without it things only last longer
	}
	return conn, err
}
