package catalog

import (
	"strconv"
	"strings"

	"github.com/causeway-access/causeway/internal/fault"
	"github.com/causeway-access/causeway/internal/route"
)

// resolveOp names the operation in faults.
const resolveOp = "catalog.Resolve"

// Resolve returns what a target stands for now. Its faults are NotFound for an
// absent object, BadRequest for a port that cannot be one, and Unavailable for
// what exists and has no address; their messages are the API server's.
func (c *Catalog) Resolve(t *route.Target) (*route.Backend, error) {
	if !c.HasSynced() {
		return nil, fault.New(fault.Unavailable, resolveOp, "the gateway has not read the cluster's services yet; try again")
	}
	switch t.Resource {
	case route.Pods:
		return c.resolvePod(t)
	case route.Nodes:
		return c.resolveNode(t)
	default:
		return c.resolveService(t)
	}
}

func (c *Catalog) resolveService(t *route.Target) (*route.Backend, error) {
	s, ok := c.services.Load(name{t.Namespace, t.Name})
	if !ok {
		return nil, fault.Missing(resolveOp, "services", t.Name)
	}
	if s.external != "" {
		return nil, noEndpoints(t, ": it is of type ExternalName ("+s.external+"), which is never dialled")
	}
	o, err := s.choose(t)
	if err != nil {
		return nil, err
	}
	if o.backend == nil {
		return nil, noEndpoints(t, "")
	}
	return o.backend, nil
}

// choose finds the port that the target asks for.
func (s *service) choose(t *route.Target) (*offer, error) {
	if t.Port == "" {
		return s.unnamed(t)
	}
	if digits(t.Port) {
		number, err := strconv.ParseUint(t.Port, 10, 16)
		for i := range s.ports {
			if err == nil && s.ports[i].number == int32(number) {
				return &s.ports[i], nil
			}
		}
		return nil, fault.New(fault.Unavailable, resolveOp,
			"no service port "+t.Port+" found for service "+strconv.Quote(t.Name))
	}
	for i := range s.ports {
		if s.ports[i].name == t.Port {
			return &s.ports[i], nil
		}
	}
	return nil, noEndpoints(t, ": it has no port named "+strconv.Quote(t.Port)+s.choices())
}

// digits reports whether a port is a number: no name of one is.
func digits(port string) bool {
	for i := range len(port) {
		if port[i] < '0' || port[i] > '9' {
			return false
		}
	}
	return true
}

// unnamed returns the port of a target that names none.
func (s *service) unnamed(t *route.Target) (*offer, error) {
	if len(s.ports) == 1 {
		return &s.ports[0], nil
	}
	for i := range s.ports {
		if s.ports[i].name == "" {
			return &s.ports[i], nil
		}
	}
	if len(s.ports) == 0 {
		return nil, noEndpoints(t, "")
	}
	return nil, noEndpoints(t, ": it has several ports"+s.choices())
}

// choices lists the port names for an error.
func (s *service) choices() string {
	var names []string
	for _, p := range s.ports {
		if p.name != "" {
			names = append(names, p.name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return "; choose one of: " + strings.Join(names, ", ")
}

func noEndpoints(t *route.Target, more string) error {
	return fault.New(fault.Unavailable, resolveOp, "no endpoints available for service "+strconv.Quote(t.Name)+more)
}
