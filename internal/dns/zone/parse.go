package zone

import (
	"net/netip"
	"strings"

	"github.com/miekg/dns"
)

// kind is what a name in the cluster's domain is the name of.
type kind int

const (
	// outside is a name of another domain.
	outside kind = iota
	// nothing is a name in the domain that no object could have.
	nothing
	// apex is the domain itself.
	apex
	// branch is svc or pod in the domain.
	branch
	// version is dns-version in the domain.
	version
	// namespace is a namespace below a branch.
	namespace
	// service is a service.
	service
	// endpoint is one endpoint of a service.
	endpoint
	// protocol is a protocol of a service, such as _tcp.
	protocol
	// port is a port of a service, such as _https._tcp.
	port
	// pod is the address of a pod, with dashes.
	pod
)

// asked is a name, taken apart. Its strings are parts of the name, in lower
// case.
type asked struct {
	kind               kind
	namespace, service string
	// part is the rest of the name: the host name of an endpoint, _PROTOCOL, or
	// _PORT._PROTOCOL.
	part string
	addr netip.Addr // of a pod
}

// parse says what a name is the name of. The name and the domain are absolute
// (they end with a dot), in lower case, and written as on the wire: with \ in
// front of a dot that is part of a label.
func parse(name, domain string) asked {
	if strings.Contains(name, `\`) {
		// No object has such a name; only whose it is has to be said.
		if dns.IsSubDomain(domain, name) {
			return asked{kind: nothing}
		}
		return asked{}
	}
	rest, ok := strings.CutSuffix(name, domain)
	if !ok {
		return asked{}
	}
	if rest == "" {
		return asked{kind: apex}
	}
	if rest, ok = strings.CutSuffix(rest, "."); !ok {
		return asked{} // the end of a longer label
	}
	rest, last := cutLast(rest)
	switch {
	case last == "dns-version" && rest == "":
		return asked{kind: version}
	case last == "svc":
		return parseService(rest)
	case last == "pod":
		return parsePod(rest)
	}
	return asked{kind: nothing}
}

// parseService takes apart what stands before svc.
func parseService(rest string) asked {
	if rest == "" {
		return asked{kind: branch}
	}
	a := asked{kind: namespace}
	if rest, a.namespace = cutLast(rest); rest == "" {
		return a
	}
	a.kind = service
	if rest, a.service = cutLast(rest); rest == "" {
		return a
	}
	a.part = rest
	first, second, two := strings.Cut(rest, ".")
	switch {
	case !two && !strings.HasPrefix(first, "_"):
		a.kind = endpoint
	case !two:
		a.kind = protocol
	case strings.HasPrefix(first, "_") && strings.HasPrefix(second, "_") && !strings.Contains(second, "."):
		a.kind = port
	default:
		return asked{kind: nothing}
	}
	return a
}

// parsePod takes apart what stands before pod.
func parsePod(rest string) asked {
	if rest == "" {
		return asked{kind: branch}
	}
	a := asked{kind: namespace}
	if rest, a.namespace = cutLast(rest); rest == "" {
		return a
	}
	addr, ok := undash(rest)
	if !ok {
		return asked{kind: nothing}
	}
	a.kind, a.addr = pod, addr
	return a
}

// cutLast cuts the last label off.
func cutLast(name string) (rest, last string) {
	i := strings.LastIndexByte(name, '.')
	if i < 0 {
		return "", name
	}
	return name[:i], name[i+1:]
}

// undash reads an address whose dots or colons are dashes.
func undash(label string) (netip.Addr, bool) {
	if strings.ContainsAny(label, ".:%") {
		return netip.Addr{}, false
	}
	if addr, err := netip.ParseAddr(strings.ReplaceAll(label, "-", ".")); err == nil {
		return addr, true
	}
	addr, err := netip.ParseAddr(strings.ReplaceAll(label, "-", ":"))
	return addr, err == nil
}

// dash writes an address as a label.
func dash(addr netip.Addr) string {
	return strings.NewReplacer(".", "-", ":", "-").Replace(addr.StringExpanded())
}
