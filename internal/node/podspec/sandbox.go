package podspec

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/causeway-access/causeway/internal/podrun"
)

// longestHostname is what Linux takes.
const longestHostname = 63

// Sandbox is a pod's place on a node.
func Sandbox(pod *corev1.Pod, node Node) (podrun.SandboxConfig, error) {
	if !ptr.Deref(pod.Spec.HostUsers, true) {
		return podrun.SandboxConfig{}, errors.New("hostUsers is false, and user namespaces of pods are not supported: leave it out, or use a node that has them")
	}
	hostname, err := hostname(pod, node)
	if err != nil {
		return podrun.SandboxConfig{}, err
	}
	config := podrun.SandboxConfig{
		Namespace: pod.Namespace, Name: pod.Name, UID: string(pod.UID),
		Hostname:    hostname,
		HostNetwork: pod.Spec.HostNetwork, HostIPC: pod.Spec.HostIPC, HostPID: pod.Spec.HostPID,
		Privileged: privileged(pod),
		DNS:        dns(pod, node),
		Resources:  podResources(pod, node),
	}
	if s := pod.Spec.SecurityContext; s != nil && len(s.Sysctls) > 0 {
		config.Sysctls = map[string]string{}
		for _, sysctl := range s.Sysctls {
			config.Sysctls[sysctl.Name] = sysctl.Value
		}
	}
	for _, alias := range pod.Spec.HostAliases {
		ip, err := netip.ParseAddr(alias.IP)
		if err != nil {
			return config, fmt.Errorf("spec.hostAliases: %w", err)
		}
		config.HostAliases = append(config.HostAliases, podrun.HostAlias{IP: ip, Names: alias.Hostnames})
	}
	return config, nil
}

// privileged says whether any container of a pod is. Those that are added later
// are not known yet.
func privileged(pod *corev1.Pod) bool {
	return slices.ContainsFunc(slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers), func(c corev1.Container) bool {
		return c.SecurityContext != nil && ptr.Deref(c.SecurityContext.Privileged, false)
	})
}

// hostname is what a pod calls itself: as much of its name as Linux takes,
// unless it says otherwise.
func hostname(pod *corev1.Pod, node Node) (string, error) {
	if pod.Spec.HostnameOverride != nil {
		return *pod.Spec.HostnameOverride, nil
	}
	name := cmp.Or(pod.Spec.Hostname, pod.Name)
	if len(name) > longestHostname {
		name = strings.TrimRight(name[:longestHostname], "-.")
	}
	if !ptr.Deref(pod.Spec.SetHostnameAsFQDN, false) || pod.Spec.Subdomain == "" {
		return name, nil
	}
	full := strings.Join([]string{name, pod.Spec.Subdomain, pod.Namespace, "svc", domain(node)}, ".")
	if len(full) > longestHostname {
		return "", fmt.Errorf("failed to construct FQDN from pod hostname and cluster domain, FQDN %s is too long (%d characters is the max, %d characters requested)", full, longestHostname, len(full))
	}
	return full, nil
}

func domain(node Node) string { return cmp.Or(node.ClusterDomain, "cluster.local") }
