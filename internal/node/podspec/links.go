package podspec

import (
	"cmp"
	"net"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/causeway-access/causeway/internal/catalog/apiservers"
)

// links are the variables that name services: all of the pod's namespace if it
// wants them, and always that of the API.
func links(pod *corev1.Pod, services []*corev1.Service) variables {
	byName := map[string]*corev1.Service{}
	for _, s := range services {
		api := s.Namespace == apiservers.Namespace && s.Name == apiservers.Service
		own := s.Namespace == pod.Namespace && ptr.Deref(pod.Spec.EnableServiceLinks, true)
		if s.Spec.ClusterIP == "" || s.Spec.ClusterIP == corev1.ClusterIPNone || !api && !own || len(s.Spec.Ports) == 0 {
			continue
		}
		if _, known := byName[s.Name]; !known || own {
			byName[s.Name] = s
		}
	}
	named := make([]*corev1.Service, 0, len(byName))
	for _, s := range byName {
		named = append(named, s)
	}
	slices.SortFunc(named, func(a, b *corev1.Service) int { return cmp.Compare(a.Name, b.Name) })
	var v variables
	for _, s := range named {
		v.link(s)
	}
	return v
}

// link adds a service's variables, those of Docker's links among them.
func (v *variables) link(s *corev1.Service) {
	name, ip := upper(s.Name), s.Spec.ClusterIP
	v.set(name+"_SERVICE_HOST", ip)
	v.set(name+"_SERVICE_PORT", strconv.Itoa(int(s.Spec.Ports[0].Port)))
	for _, p := range s.Spec.Ports {
		if p.Name != "" {
			v.set(name+"_SERVICE_PORT_"+upper(p.Name), strconv.Itoa(int(p.Port)))
		}
	}
	for i, p := range s.Spec.Ports {
		protocol := cmp.Or(string(p.Protocol), "TCP")
		port := strconv.Itoa(int(p.Port))
		url := strings.ToLower(protocol) + "://" + net.JoinHostPort(ip, port)
		if i == 0 {
			v.set(name+"_PORT", url)
		}
		prefix := name + "_PORT_" + port + "_" + strings.ToUpper(protocol)
		v.set(prefix, url)
		v.set(prefix+"_PROTO", strings.ToLower(protocol))
		v.set(prefix+"_PORT", port)
		v.set(prefix+"_ADDR", ip)
	}
}

func upper(name string) string { return strings.ToUpper(strings.ReplaceAll(name, "-", "_")) }
