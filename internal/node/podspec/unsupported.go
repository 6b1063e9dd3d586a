package podspec

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/causeway-access/causeway/internal/svcproxy/hostport"
)

// Unsupported names what a pod asks for and does not get, though it runs: for
// its users to see.
func Unsupported(pod *corev1.Pod) []string {
	var list []string
	add := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	if s := pod.Spec.SecurityContext; s != nil {
		if s.SupplementalGroupsPolicy != nil && *s.SupplementalGroupsPolicy == corev1.SupplementalGroupsPolicyStrict {
			add("supplementalGroupsPolicy Strict is not supported: groups of the image are kept")
		}
		if s.SELinuxOptions != nil {
			add("seLinuxOptions are not supported and have no effect")
		}
	}
	for _, p := range hostport.Of(pod) {
		if why := p.Unsupported(); why != "" && !pod.Spec.HostNetwork {
			add("container %s: hostPort %d is not served: %s", p.Container, p.Number, why)
		}
	}
	for _, kind := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range kind {
			containerUnsupported(&kind[i], add)
		}
	}
	return list
}

func containerUnsupported(c *corev1.Container, add func(string, ...any)) {
	for _, d := range c.VolumeDevices {
		add("container %s: the volume %s is a block device, which is not supported", c.Name, d.Name)
	}
	for _, m := range c.VolumeMounts {
		if p := ptr.Deref(m.MountPropagation, corev1.MountPropagationNone); p != corev1.MountPropagationNone {
			add("container %s: mountPropagation %s of the volume %s is not supported: what is mounted later is not seen", c.Name, p, m.Name)
		}
	}
	s := c.SecurityContext
	if s == nil {
		return
	}
	if s.ProcMount != nil && *s.ProcMount == corev1.UnmaskedProcMount {
		add("container %s: procMount Unmasked is not supported and has no effect", c.Name)
	}
	if s.AppArmorProfile != nil && s.AppArmorProfile.Type == corev1.AppArmorProfileTypeLocalhost {
		add("container %s: AppArmor profiles are not supported and have no effect", c.Name)
	}
	if s.SELinuxOptions != nil {
		add("container %s: seLinuxOptions are not supported and have no effect", c.Name)
	}
}
