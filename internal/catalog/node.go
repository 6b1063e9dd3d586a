package catalog

import (
	"net/netip"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/causeway-access/causeway/internal/fault"
	"github.com/causeway-access/causeway/internal/route"
)

// KubeletPort is where a node that does not say otherwise serves the kubelet's API.
const KubeletPort = 10250

// node is what is kept of a Node.
type node struct {
	host    route.Endpoint // of the kubelet's port; no address and no host if none is known
	kubelet uint16
	agent   bool // it says where its kubelet's API is, so something serves that
	last    latest
}

// preferred orders the address types of a node: addresses before names, and
// inner ones before outer ones.
var preferred = [...]corev1.NodeAddressType{
	corev1.NodeInternalIP, corev1.NodeExternalIP, corev1.NodeInternalDNS, corev1.NodeHostName, corev1.NodeExternalDNS,
}

func (c *Catalog) setNode(n *corev1.Node) { c.nodes.Store(n.Name, nodeOf(n)) }

func (c *Catalog) dropNode(n *corev1.Node) { c.nodes.Delete(n.Name) }

func nodeOf(n *corev1.Node) *node {
	out := &node{kubelet: KubeletPort}
	if p := n.Status.DaemonEndpoints.KubeletEndpoint.Port; p > 0 && p < 1<<16 {
		out.kubelet, out.agent = uint16(p), true
	}
	for _, kind := range preferred {
		for _, a := range n.Status.Addresses {
			if a.Type != kind || a.Address == "" {
				continue
			}
			if addr, err := netip.ParseAddr(a.Address); err == nil {
				out.host = route.Endpoint{Addr: netip.AddrPortFrom(addr.Unmap(), out.kubelet)}
			} else {
				out.host = route.Endpoint{Addr: netip.AddrPortFrom(netip.Addr{}, out.kubelet), Host: a.Address}
			}
			return out
		}
	}
	return out
}

func (c *Catalog) resolveNode(t *route.Target) (*route.Backend, error) {
	n, ok := c.nodes.Load(t.Name)
	if !ok {
		return nil, fault.Missing(resolveOp, "nodes", t.Name)
	}
	number := n.kubelet
	if t.Port != "" {
		var err error
		if number, err = parsePort(t); err != nil {
			return nil, err
		}
	}
	if n.host == (route.Endpoint{}) {
		return nil, fault.New(fault.Unavailable, resolveOp, "node "+strconv.Quote(t.Name)+" has no address")
	}
	return n.last.or(t.Port, number, func() *route.Backend { return n.backend(t, number) }), nil
}

func (n *node) backend(t *route.Target, number uint16) *route.Backend {
	e := n.host
	e.Addr = netip.AddrPortFrom(e.Addr.Addr(), number)
	b := &route.Backend{
		Resource:  route.Nodes,
		Name:      strings.Clone(t.Name),
		Port:      strings.Clone(t.Port),
		Scheme:    route.SchemeHTTP,
		Endpoints: []route.Endpoint{e},
	}
	if number == n.kubelet {
		b.Scheme = route.SchemeHTTPS
		b.Trust = route.Trust{Node: true}
	}
	return b
}

// Kubelet reports whether a target is a node's kubelet port: as the node says,
// or the usual one of a node that is not known. It says which right to the node
// is asked for, and does not tell callers without one whether the node exists.
func (c *Catalog) Kubelet(t *route.Target) bool {
	if t.Resource != route.Nodes || t.Port == "" {
		return t.Resource == route.Nodes
	}
	port := uint16(KubeletPort)
	if n, ok := c.nodes.Load(t.Name); ok {
		port = n.kubelet
	}
	return t.Port == strconv.Itoa(int(port))
}

// HasAgent reports whether a pod is on a node that serves a kubelet's API, by
// which its loopback address can be reached. Pods and nodes that are not known
// have none, nor those that only exist as objects.
func (c *Catalog) HasAgent(t *route.Target) bool {
	p, ok := c.pods.Load(name{t.Namespace, t.Name})
	if t.Resource != route.Pods || !ok {
		return false
	}
	n, ok := c.nodes.Load(p.node)
	return ok && n.agent
}
