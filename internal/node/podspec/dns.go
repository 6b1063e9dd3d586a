package podspec

import (
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/causeway-access/causeway/internal/podrun"
)

// dns is a pod's resolv.conf: what its policy says, and what it adds. Where it is
// the node's as it is, that is left to the runtime, which has it in the pod whole.
func dns(pod *corev1.Pod, node Node) podrun.DNS {
	more := pod.Spec.DNSConfig
	d, own := dnsOfPolicy(pod, node)
	if more == nil {
		return d
	}
	if own && node.OwnDNS != nil {
		d = node.OwnDNS()
	}
	for _, server := range more.Nameservers {
		// Validation has seen to it that they are addresses.
		if ip, err := netip.ParseAddr(server); err == nil && !slices.Contains(d.Servers, ip) {
			d.Servers = append(d.Servers, ip)
		}
	}
	d.Searches = union(d.Searches, more.Searches)
	for _, option := range more.Options {
		d.Options = setOption(d.Options, option)
	}
	return d
}

// dnsOfPolicy says what a pod's policy asks for, or that it is the node's own. It
// never shares memory with node.
func dnsOfPolicy(pod *corev1.Pod, node Node) (d podrun.DNS, own bool) {
	cluster := pod.Spec.DNSPolicy == corev1.DNSClusterFirstWithHostNet ||
		(pod.Spec.DNSPolicy == corev1.DNSClusterFirst || pod.Spec.DNSPolicy == "") && !pod.Spec.HostNetwork
	switch {
	case pod.Spec.DNSPolicy == corev1.DNSNone:
		return podrun.DNS{}, false
	case !cluster, len(node.ClusterDNS) == 0:
		return podrun.DNS{}, true
	}
	services := "svc." + domain(node)
	return podrun.DNS{
		Servers:  slices.Clone(node.ClusterDNS),
		Searches: []string{pod.Namespace + "." + services, services, domain(node)},
		Options:  []string{"ndots:5"},
	}, false
}

// union appends to a list what is not in it.
func union(list, more []string) []string {
	for _, s := range more {
		if !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}

// setOption adds an option, or puts it in the place of one with its name.
func setOption(options []string, option corev1.PodDNSConfigOption) []string {
	text := option.Name
	if value := ptr.Deref(option.Value, ""); value != "" {
		text += ":" + value
	}
	for i, o := range options {
		if name, _, _ := strings.Cut(o, ":"); name == option.Name {
			options[i] = text
			return options
		}
	}
	return append(options, text)
}
