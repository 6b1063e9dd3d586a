package catalog

import (
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"

	corev1 "k8s.io/api/core/v1"

	"github.com/causeway-access/causeway/internal/fault"
	"github.com/causeway-access/causeway/internal/route"
)

// pod is what is kept of a Pod.
type pod struct {
	addr     netip.Addr // invalid if it has none yet
	node     string     // empty if it has none yet
	finished bool
	first    uint16 // the first declared container port, 0 if none
	named    []namedPort
	last     latest
}

// latest remembers the backend that an object was last resolved to: nearly
// all requests for one ask for the same port.
type latest struct{ backend atomic.Pointer[route.Backend] }

// or returns the backend of that port, made by build unless it is known. What
// build makes must not hold on to the URL that it was asked for.
func (l *latest) or(port string, number uint16, build func() *route.Backend) *route.Backend {
	if b := l.backend.Load(); b != nil && b.Port == port && b.Endpoints[0].Addr.Port() == number {
		return b
	}
	b := build()
	l.backend.Store(b)
	return b
}

type namedPort struct {
	name   string
	number uint16
}

func (c *Catalog) setPod(p *corev1.Pod) { c.pods.Store(name{p.Namespace, p.Name}, podOf(p)) }

func (c *Catalog) dropPod(p *corev1.Pod) { c.pods.Delete(name{p.Namespace, p.Name}) }

func podOf(p *corev1.Pod) *pod {
	out := &pod{node: p.Spec.NodeName, finished: p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed}
	if addr, err := netip.ParseAddr(p.Status.PodIP); err == nil {
		out.addr = addr.Unmap()
	}
	for _, container := range p.Spec.Containers {
		for _, declared := range container.Ports {
			if declared.Protocol != "" && declared.Protocol != corev1.ProtocolTCP {
				continue
			}
			number := uint16(declared.ContainerPort)
			if out.first == 0 {
				out.first = number
			}
			if declared.Name != "" {
				out.named = append(out.named, namedPort{declared.Name, number})
			}
		}
	}
	return out
}

func (c *Catalog) resolvePod(t *route.Target) (*route.Backend, error) {
	p, ok := c.pods.Load(name{t.Namespace, t.Name})
	if !ok {
		return nil, fault.Missing(resolveOp, "pods", t.Name)
	}
	number, err := p.port(t)
	if err != nil {
		return nil, err
	}
	if p.finished {
		return nil, fault.New(fault.Unavailable, resolveOp, "pod "+strconv.Quote(t.Name)+" has finished")
	}
	if !p.addr.IsValid() {
		return nil, fault.New(fault.Unavailable, resolveOp, "pod "+strconv.Quote(t.Name)+" has no address yet")
	}
	return p.last.or(t.Port, number, func() *route.Backend {
		return &route.Backend{
			Resource:  route.Pods,
			Namespace: strings.Clone(t.Namespace),
			Name:      strings.Clone(t.Name),
			Port:      strings.Clone(t.Port),
			Scheme:    route.SchemeHTTP,
			Endpoints: []route.Endpoint{{Addr: netip.AddrPortFrom(p.addr, number)}},
		}
	}), nil
}

// port returns the number of the port that the target asks for.
func (p *pod) port(t *route.Target) (uint16, error) {
	switch {
	case t.Port != "":
		for _, n := range p.named {
			if n.name == t.Port {
				return n.number, nil
			}
		}
		return parsePort(t)
	case p.first != 0:
		return p.first, nil
	case t.Scheme == route.SchemeHTTPS:
		return 443, nil
	default:
		return 80, nil
	}
}

// parsePort reads a port number from 1 to 65535.
func parsePort(t *route.Target) (uint16, error) {
	number, err := strconv.ParseUint(t.Port, 10, 16)
	if err != nil || number == 0 {
		resource := t.Resource.String()
		return 0, fault.New(fault.BadRequest, resolveOp,
			"no port "+strconv.Quote(t.Port)+" on "+resource[:len(resource)-1]+" "+strconv.Quote(t.Name)+": it is neither a number from 1 to 65535 nor the name of a port")
	}
	return uint16(number), nil
}
