package portforward

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// Port returns the number of a target's TCP port by its name: that of the
// service, or what a container of the pod, or of the workload's pods, calls so.
func (d *Dialer) Port(ctx context.Context, t Target, name string) (uint16, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	ports, err := d.namedPorts(ctx, t)
	if err != nil {
		return 0, err
	}
	var names []string
	for _, p := range ports {
		switch {
		case p.name == name:
			return p.number, nil
		case p.name != "":
			names = append(names, p.name)
		}
	}
	if len(names) == 0 {
		return 0, fmt.Errorf("%s has no port with a name; give its number instead of %q", t, name)
	}
	return 0, fmt.Errorf("%s has no port %q; it has %s", t, name, strings.Join(names, ", "))
}

// namedPort is a TCP port, with a name or without.
type namedPort struct {
	name   string
	number uint16
}

func (d *Dialer) namedPorts(ctx context.Context, t Target) ([]namedPort, error) {
	switch t.Resource {
	case "services":
		var service corev1.Service
		err := d.get(ctx, t.path(), &service)
		return portsOfService(&service), err
	case "pods":
		var pod corev1.Pod
		err := d.get(ctx, t.path(), &pod)
		return portsOfPod(&pod.Spec), err
	}
	var workload struct {
		Spec struct{ Template corev1.PodTemplateSpec }
	}
	err := d.get(ctx, t.workloadPath(), &workload)
	return portsOfPod(&workload.Spec.Template.Spec), err
}

func portsOfService(s *corev1.Service) []namedPort {
	var ports []namedPort
	for _, p := range s.Spec.Ports {
		if isTCP(p.Protocol) {
			ports = append(ports, namedPort{p.Name, uint16(p.Port)})
		}
	}
	return ports
}

func portsOfPod(s *corev1.PodSpec) []namedPort {
	var ports []namedPort
	for _, c := range append(s.InitContainers[:len(s.InitContainers):len(s.InitContainers)], s.Containers...) {
		for _, p := range c.Ports {
			if isTCP(p.Protocol) {
				ports = append(ports, namedPort{p.Name, uint16(p.ContainerPort)})
			}
		}
	}
	return ports
}

// isTCP says so of what is empty where the API server has not filled it in.
func isTCP(p corev1.Protocol) bool { return p == "" || p == corev1.ProtocolTCP }
