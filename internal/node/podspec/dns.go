package podspec

import (
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/causeway-access/causeway/internal/podrun"
)

// dns is a pod's resolv.conf: what its policy says, and what it adds.
func dns(pod *corev1.Pod, node Node) podrun.DNS {
	d := dnsOfPolicy(pod, node)
	more := pod.Spec.DNSConfig
	if more == nil {
		return d
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

// dnsOfPolicy never shares memory with node.
func dnsOfPolicy(pod *corev1.Pod, node Node) podrun.DNS {
	own := podrun.DNS{
		Servers: slices.Clone(node.DNS.Servers), Searches: slices.Clone(node.DNS.Searches), Options: slices.Clone(node.DNS.Options),
	}
	cluster := pod.Spec.DNSPolicy == corev1.DNSClusterFirstWithHostNet ||
		(pod.Spec.DNSPolicy == corev1.DNSClusterFirst || pod.Spec.DNSPolicy == "") && !pod.Spec.HostNetwork
	switch {
	case pod.Spec.DNSPolicy == corev1.DNSNone:
		return podrun.DNS{}
	case !cluster, len(node.ClusterDNS) == 0:
		return own
	}
	services := "svc." + domain(node)
	return podrun.DNS{
		Servers:  slices.Clone(node.ClusterDNS),
		Searches: union([]string{pod.Namespace + "." + services, services, domain(node)}, own.Searches),
		Options:  []string{"ndots:5"},
	}
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
