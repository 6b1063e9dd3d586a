package localproxy

import (
	"net/netip"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/causeway-access/causeway/internal/portforward"
)

// clusterDomain is the cluster's own domain, which may be left out.
const clusterDomain = ".cluster.local"

// parseClusterName reads a host name as it is used inside a cluster:
//
//	SERVICE.NAMESPACE            also with .svc, and then .cluster.local
//	POD.pod.NAMESPACE            as its local name is, without .localhost
//	POD.NAMESPACE.pod            also with .cluster.local
//	POD.SERVICE.NAMESPACE.svc    of a stateful set; also with .cluster.local
//
// It reports false for all others: addresses and names of this machine among
// them.
func parseClusterName(host string) (portforward.Target, bool) {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if _, err := netip.ParseAddr(host); err == nil {
		return portforward.Target{}, false
	}
	labels := strings.Split(strings.TrimSuffix(host, clusterDomain), ".")
	for _, label := range labels {
		if len(validation.IsDNS1123Label(label)) > 0 {
			return portforward.Target{}, false
		}
	}
	last := labels[len(labels)-1]
	switch n := len(labels); {
	case last == "localhost":
		return portforward.Target{}, false
	case n == 2 && !strings.HasSuffix(host, clusterDomain):
		return portforward.Target{Resource: "services", Namespace: labels[1], Name: labels[0]}, true
	case n == 3 && last == "svc":
		return portforward.Target{Resource: "services", Namespace: labels[1], Name: labels[0]}, true
	case n == 3 && last == "pod":
		return portforward.Target{Resource: "pods", Namespace: labels[1], Name: labels[0]}, true
	case n == 3 && labels[1] == "pod" && !strings.HasSuffix(host, clusterDomain):
		return portforward.Target{Resource: "pods", Namespace: labels[2], Name: labels[0]}, true
	case n == 4 && last == "svc":
		return portforward.Target{Resource: "pods", Namespace: labels[2], Name: labels[0]}, true
	}
	return portforward.Target{}, false
}
