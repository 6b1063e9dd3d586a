// Package hostport is what the host ports of pods ask of a node: the scheduler
// looks for one that has them free, the node keeps them for one pod at a time and
// leads them to it. Floor F1.
package hostport

import (
	"cmp"
	"net/netip"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/causeway-access/causeway/internal/svcproxy"
)

// Port is a port of the node that a container has. With the network of the
// node it has it by itself, else it is led there.
type Port struct {
	// Container and Name say which; the port may have no name.
	Container, Name string
	// IP is the address of the node, 0.0.0.0 for all of them.
	IP       string
	Protocol corev1.Protocol
	Number   int32
	// Inside is the container's own port.
	Inside int32
}

// anyIP is the address of ports that are at all of the node's.
const anyIP = "0.0.0.0"

// Of are those of a pod's containers, but not of init containers that
// end before the others begin.
func Of(pod *corev1.Pod) []Port {
	var ports []Port
	add := func(c *corev1.Container) {
		for _, p := range c.Ports {
			if p.HostPort == 0 {
				continue
			}
			ports = append(ports, Port{
				Container: c.Name, Name: p.Name, IP: cmp.Or(p.HostIP, anyIP),
				Protocol: cmp.Or(p.Protocol, corev1.ProtocolTCP), Number: p.HostPort, Inside: p.ContainerPort,
			})
		}
	}
	for i := range pod.Spec.InitContainers {
		if p := pod.Spec.InitContainers[i].RestartPolicy; p != nil && *p == corev1.ContainerRestartPolicyAlways {
			add(&pod.Spec.InitContainers[i])
		}
	}
	for i := range pod.Spec.Containers {
		add(&pod.Spec.Containers[i])
	}
	return ports
}

// Clashes reports that a node cannot give both.
func (p Port) Clashes(q Port) bool {
	return p.Number == q.Number && p.Protocol == q.Protocol && (p.IP == q.IP || p.IP == anyIP || q.IP == anyIP)
}

// Unsupported says why a port cannot be led to a pod; empty if it can.
func (p Port) Unsupported() string {
	switch ip, err := netip.ParseAddr(p.IP); {
	case p.Protocol != corev1.ProtocolTCP && p.Protocol != corev1.ProtocolUDP:
		return "the protocol " + string(p.Protocol)
	case err != nil:
		return "the hostIP " + p.IP + ", which is no address"
	case !ip.Is4():
		return "the hostIP " + p.IP + ": only IPv4 can be led to pods"
	}
	return ""
}

// Rules are the ways from the node's ports to a pod at an address.
func Rules(pod *corev1.Pod, at netip.Addr) []*svcproxy.Rule {
	if pod.Spec.HostNetwork {
		return nil
	}
	var rules []*svcproxy.Rule
	for _, p := range Of(pod) {
		if p.Unsupported() != "" || p.Number < 1 || p.Number > 65535 || p.Inside < 1 || p.Inside > 65535 {
			continue
		}
		ip, _ := netip.ParseAddr(p.IP)
		rules = append(rules, &svcproxy.Rule{
			Key:       svcproxy.Key{Protocol: p.Protocol, Addr: netip.AddrPortFrom(ip, uint16(p.Number))},
			Of:        types.NamespacedName{Namespace: pod.Namespace, Name: pod.Name},
			Port:      pod.Namespace + "/" + pod.Name + ":" + cmp.Or(p.Name, strconv.Itoa(int(p.Inside))),
			Endpoints: []netip.AddrPort{netip.AddrPortFrom(at, uint16(p.Inside))},
		})
	}
	return rules
}
