package catalog

import (
	"net/netip"
	"slices"
	"strings"
	"time"
	"unique"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/causeway-access/causeway/internal/route"
)

// Annotations on a Service that have its certificate verified.
const (
	// AnnotationCA names the bundle to verify against, in the service's own
	// namespace: "configmap/NAME/KEY" or "secret/NAME/KEY".
	AnnotationCA = "causeway.io/backend-ca"
	// AnnotationServerName is the name that the certificate must be for; by
	// default NAME.NAMESPACE.svc.
	AnnotationServerName = "causeway.io/backend-server-name"
)

// draft is what the watches know of one service. Guarded by Catalog.mu.
type draft struct {
	spec   *spec
	slices []*slice // by name
}

// setSlice adds a slice, or takes it for the one of that name.
func (d *draft) setSlice(s *slice) {
	i, known := d.find(s.name)
	if known {
		d.slices[i] = s
	} else {
		d.slices = slices.Insert(d.slices, i, s)
	}
}

func (d *draft) dropSlice(name string) {
	if i, known := d.find(name); known {
		d.slices = slices.Delete(d.slices, i, i+1)
	}
}

func (d *draft) find(name string) (int, bool) {
	return slices.BinarySearchFunc(d.slices, name, func(s *slice, name string) int { return strings.Compare(s.name, name) })
}

// members counts the addresses of all slices.
func (d *draft) members() (n int) {
	for _, s := range d.slices {
		n += len(s.members)
	}
	return n
}

// spec holds what is needed of a Service.
type spec struct {
	external string // the host name, of an ExternalName service
	families []corev1.IPFamily
	affinity time.Duration
	unready  bool // publishNotReadyAddresses
	trust    route.Trust
	ports    []port
}

// port is a TCP port of a service.
type port struct {
	name   string
	number int32
	scheme string
}

// slice holds what is needed of an EndpointSlice.
type slice struct {
	name    string
	ports   []slicePort
	members []member
}

// slicePort is a TCP port of a slice, by the name of the service's port.
type slicePort struct {
	name   string
	number uint16
	scheme string
}

// port returns the slice's port of that name.
func (s *slice) port(name string) (slicePort, bool) {
	for _, p := range s.ports {
		if p.name == name {
			return p, true
		}
	}
	return slicePort{}, false
}

// member is one address of a slice. The zones for which it is hinted are not
// looked at: the gateway is in none, and an endpoint that it cannot choose is
// of no use to its clients.
type member struct {
	addr               netip.Addr
	ready, terminating bool
	serving            bool
}

func specOf(s *corev1.Service) *spec {
	out := &spec{unready: s.Spec.PublishNotReadyAddresses, families: s.Spec.IPFamilies, trust: trustOf(s)}
	if s.Spec.Type == corev1.ServiceTypeExternalName {
		out.external = s.Spec.ExternalName
	}
	if s.Spec.SessionAffinity == corev1.ServiceAffinityClientIP {
		out.affinity = time.Duration(corev1.DefaultClientIPServiceAffinitySeconds) * time.Second
		if cfg := s.Spec.SessionAffinityConfig; cfg != nil && cfg.ClientIP != nil && cfg.ClientIP.TimeoutSeconds != nil {
			out.affinity = time.Duration(*cfg.ClientIP.TimeoutSeconds) * time.Second
		}
	}
	for _, p := range s.Spec.Ports {
		if p.Protocol == "" || p.Protocol == corev1.ProtocolTCP { // HTTP runs over nothing else here
			out.ports = append(out.ports, port{shared(p.Name), p.Port, schemeOf(p.AppProtocol)})
		}
	}
	return out
}

// shared returns the one copy of a string that many objects have.
func shared(s string) string { return unique.Make(s).Value() }

// trustOf reads the annotations. What they ask for must not be skipped because
// it is misspelt, so that even a bad reference makes the certificate verified,
// and the dial fail with its name.
func trustOf(s *corev1.Service) route.Trust {
	ca, ok := s.Annotations[AnnotationCA]
	if !ok {
		return route.Trust{}
	}
	server := s.Annotations[AnnotationServerName]
	if server == "" {
		server = s.Name + "." + s.Namespace + ".svc"
	}
	return route.Trust{CA: s.Namespace + "/" + ca, ServerName: server}
}

// schemeOf returns the scheme that an appProtocol stands for; empty if it says
// nothing.
func schemeOf(appProtocol *string) string {
	if appProtocol == nil {
		return ""
	}
	switch *appProtocol {
	case "https", "kubernetes.io/wss":
		return route.SchemeHTTPS
	case "kubernetes.io/h2c":
		return route.SchemeH2C
	case "http", "kubernetes.io/ws":
		return route.SchemeHTTP
	default:
		return ""
	}
}

func sliceOf(s *discoveryv1.EndpointSlice) *slice {
	out := &slice{name: s.Name}
	for _, p := range s.Ports {
		if p.Port == nil || p.Protocol != nil && *p.Protocol != corev1.ProtocolTCP {
			continue
		}
		at := slicePort{number: uint16(*p.Port), scheme: schemeOf(p.AppProtocol)}
		if p.Name != nil {
			at.name = shared(*p.Name)
		}
		out.ports = append(out.ports, at)
	}
	if s.AddressType == discoveryv1.AddressTypeFQDN {
		return out // names are never resolved for a service
	}
	out.members = make([]member, 0, len(s.Endpoints))
	for i := range s.Endpoints {
		out.members = appendMember(out.members, &s.Endpoints[i])
	}
	return out
}

// appendMember appends the addresses of an endpoint.
func appendMember(to []member, e *discoveryv1.Endpoint) []member {
	m := member{ready: e.Conditions.Ready == nil || *e.Conditions.Ready}
	m.serving = m.ready
	if e.Conditions.Serving != nil {
		m.serving = *e.Conditions.Serving
	}
	m.terminating = e.Conditions.Terminating != nil && *e.Conditions.Terminating
	for _, a := range e.Addresses {
		if addr, err := netip.ParseAddr(a); err == nil {
			m.addr = addr.Unmap()
			to = append(to, m)
		}
	}
	return to
}
