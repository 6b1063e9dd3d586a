package podspec

import (
	"fmt"
	"net/netip"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/kubectl/pkg/util/fieldpath"
	"k8s.io/kubectl/pkg/util/resource"
)

// Field is the value of a pod's field in its environment.
func Field(pod *corev1.Pod, node Node, ips []netip.Addr, path string) (string, error) {
	switch path {
	case "spec.nodeName":
		return pod.Spec.NodeName, nil
	case "spec.serviceAccountName":
		return pod.Spec.ServiceAccountName, nil
	case "status.hostIP":
		return join(first(node.IPs)), nil
	case "status.hostIPs":
		return join(node.IPs), nil
	case "status.podIP":
		return join(first(ips)), nil
	case "status.podIPs":
		return join(ips), nil
	}
	return fieldpath.ExtractFieldPathAsString(pod, path)
}

func first(ips []netip.Addr) []netip.Addr { return ips[:min(1, len(ips))] }

func join(ips []netip.Addr) string {
	texts := make([]string, len(ips))
	for i, ip := range ips {
		texts[i] = ip.String()
	}
	return strings.Join(texts, ",")
}

// Quantity is the value of a container's resource. What is not limited is
// limited by the node.
func Quantity(pod *corev1.Pod, node Node, own *corev1.Container, selector *corev1.ResourceFieldSelector) (string, error) {
	c := own
	if selector.ContainerName != "" {
		if c = find(pod, selector.ContainerName); c == nil {
			return "", fmt.Errorf("container %s not found", selector.ContainerName)
		}
	}
	c = c.DeepCopy()
	for name, has := range node.Allocatable {
		limit, ok := c.Resources.Limits[name]
		if ok && !limit.IsZero() {
			continue
		}
		if c.Resources.Limits == nil {
			c.Resources.Limits = corev1.ResourceList{}
		}
		c.Resources.Limits[name] = has
	}
	return resource.ExtractContainerResourceValue(selector, c)
}

func find(pod *corev1.Pod, name string) *corev1.Container {
	for _, list := range [][]corev1.Container{pod.Spec.Containers, pod.Spec.InitContainers} {
		for i := range list {
			if list[i].Name == name {
				return &list[i]
			}
		}
	}
	return nil
}
