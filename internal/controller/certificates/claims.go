package certificates

import (
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
)

// Reserved are names and addresses that a node must not have a certificate for,
// because clients that trust the cluster's authority take what answers there for
// something else: for the API server, or for a service or a pod.
type Reserved struct {
	// Names are those of the API server. Names of services are reserved always.
	Names []string
	// Addresses are those of the API server. Loopback is reserved always.
	Addresses []netip.Addr
	// Ranges are where services and pods have their addresses.
	Ranges []netip.Prefix
}

// claims is what a node's request for a serving certificate is judged by. A
// node writes its own addresses, so that they prove nothing; they are wanted all
// the same, since they are seen by everybody, and a second claim is noticed.
type claims struct {
	node     *corev1.Node
	others   []*corev1.Node
	servers  []netip.Addr // the endpoints of the service default/kubernetes
	reserved Reserved
}

// refuse says why somebody has to look at the request; empty if it is for the
// node itself and for nothing else.
func (c claims) refuse(request *x509.CertificateRequest) string {
	if len(request.EmailAddresses)+len(request.URIs) > 0 {
		return "it has names that are neither DNS names nor IP addresses"
	}
	if len(request.DNSNames)+len(request.IPAddresses) == 0 {
		return "it has neither a DNS name nor an IP address"
	}
	for _, name := range request.DNSNames {
		if why := c.refuseName(name); why != "" {
			return fmt.Sprintf("DNS name %q %s", name, why)
		}
	}
	for _, ip := range request.IPAddresses {
		if why := c.refuseIP(ip); why != "" {
			return fmt.Sprintf("IP address %s %s", ip, why)
		}
	}
	return ""
}

// refuseName allows the node's own name alone: whatever else it calls itself,
// nothing shows that the name is its.
func (c claims) refuseName(name string) string {
	switch {
	case name != c.node.Name:
		return "is not the name of the node"
	case ofCluster(name):
		return "is that of a service"
	case slices.ContainsFunc(c.reserved.Names, func(r string) bool { return strings.EqualFold(r, name) }):
		return "is that of the API server"
	}
	for _, other := range c.others {
		if slices.ContainsFunc(other.Status.Addresses, func(a corev1.NodeAddress) bool { return strings.EqualFold(a.Address, name) }) {
			return "is that of node " + other.Name + " too"
		}
	}
	return ""
}

// ofCluster tells the names by which pods call services: in every form that
// resolvers complete to one of them, and the API server's in each namespace.
func ofCluster(name string) bool {
	labels := strings.Split(strings.ToLower(name), ".")
	return labels[0] == "kubernetes" && len(labels) <= 2 || labels[0] == "localhost" || labels[len(labels)-1] == "localhost" ||
		labels[len(labels)-1] == "svc" || labels[len(labels)-1] == "local" || labels[len(labels)-1] == "cluster"
}

// refuseIP allows the addresses that the node says are its own, and nobody
// else does.
func (c claims) refuseIP(ip net.IP) string {
	address, ok := netip.AddrFromSlice(ip)
	if !ok {
		return "is none"
	}
	address = address.Unmap()
	switch {
	case !address.IsGlobalUnicast(): // loopback, link-local, multicast, unspecified
		return "is not one by which other machines reach the node"
	case slices.ContainsFunc(c.reserved.Ranges, func(r netip.Prefix) bool { return r.Contains(address) }):
		return "is that of a service or a pod"
	case slices.Contains(c.reserved.Addresses, address), slices.Contains(c.servers, address):
		return "is that of an API server"
	case !has(c.node, address):
		return "is not in the node's status"
	}
	for _, other := range c.others {
		if has(other, address) {
			return "is that of node " + other.Name + " too"
		}
	}
	return ""
}

// has tells whether a node says of an address that it is its own.
func has(node *corev1.Node, address netip.Addr) bool {
	return slices.ContainsFunc(node.Status.Addresses, func(a corev1.NodeAddress) bool {
		own, err := netip.ParseAddr(a.Address)
		return err == nil && own.Unmap() == address
	})
}

// servingUsages wants what a TLS server needs, and nothing else.
func servingUsages(usages []certificatesv1.KeyUsage) bool {
	for _, usage := range usages {
		switch usage {
		case certificatesv1.UsageServerAuth, certificatesv1.UsageDigitalSignature, certificatesv1.UsageKeyEncipherment:
		default:
			return false
		}
	}
	return slices.Contains(usages, certificatesv1.UsageServerAuth) && slices.Contains(usages, certificatesv1.UsageDigitalSignature)
}
