package route

import (
	"strconv"
	"strings"
)

// LocalDomain ends the names under which the local proxy serves targets, each
// at the root of an origin of its own. Browsers resolve all below it to this
// machine (RFC 6761, section 6.3).
const LocalDomain = "localhost"

// OwnOriginHeader is the request header by which the local proxy tells the
// gateway that the target is at the root of an origin, which is its value, so
// that nothing is to be rewritten for a prefix. The scripts of pages cannot set
// a header whose name begins so (Fetch Standard, forbidden request-headers).
const OwnOriginHeader = "Proxy-Own-Origin"

// The labels that tell pods and nodes from services.
const (
	podLabel  = "pod"
	nodeLabel = "node"
)

// ParseLocalName reads a host name, without its port, of one of the forms
//
//	[scheme.][port--]service.namespace.localhost
//	[scheme.][port--]pod.pod.namespace.localhost
//	[scheme.][port--]node.node.localhost
//	[scheme.][port--]service--namespace.localhost
//
// and reports false for all others. Names of pods and nodes may have dots. The
// namespace stands last because to a browser whatever ends alike, but for
// "localhost", is one site: cookies can be set for all of a site, and the
// applications of a namespace trust each other more than they trust others.
func ParseLocalName(host string) (Target, bool) {
	name, ok := strings.CutSuffix(strings.ToLower(host), "."+LocalDomain)
	if !ok || len(host) > 253 {
		return Target{}, false
	}
	labels := strings.Split(name, ".")
	for _, label := range labels {
		if !isLabel(label) {
			return Target{}, false
		}
	}
	if scheme := labels[0]; scheme == SchemeHTTP || scheme == SchemeHTTPS {
		if t, ok := local(labels[1:]); ok {
			t.Scheme = scheme
			t.Segment = scheme + ":" + t.Name + ":" + t.Port
			return t, true
		}
	}
	t, ok := local(labels)
	t.Segment = t.Name
	if t.Port != "" {
		t.Segment += ":" + t.Port
	}
	return t, ok
}

// LocalName prints the name under which the local proxy serves the target. It
// reports false for the few that have none: those whose names cannot be part
// of a host name, or would be read as something else.
func (t *Target) LocalName() (name string, ok bool) {
	first := t.Name
	if t.Port != "" {
		first = t.Port + "--" + first
	}
	if t.Scheme != "" {
		first = t.Scheme + "." + first
	}
	var forms []string
	switch t.Resource {
	case Pods:
		forms = []string{first + "." + podLabel + "." + t.Namespace}
	case Nodes:
		forms = []string{first + "." + nodeLabel}
	default:
		forms = []string{first + "." + t.Namespace, first + "--" + t.Namespace}
	}
	for _, form := range forms {
		name = form + "." + LocalDomain
		got, ok := ParseLocalName(name)
		if ok && got.Resource == t.Resource && got.Namespace == t.Namespace && got.Name == t.Name && got.Port == t.Port && got.Scheme == t.Scheme {
			return name, true
		}
	}
	return "", false
}

// local reads the labels between scheme and domain.
func local(labels []string) (t Target, ok bool) {
	n := len(labels)
	switch {
	case n == 0:
		return t, false
	case n == 1:
		return dashed(labels[0])
	case labels[n-1] == nodeLabel:
		t.Resource, labels = Nodes, labels[:n-1]
	case n > 2 && labels[n-2] == podLabel:
		t.Resource, t.Namespace, labels = Pods, labels[n-1], labels[:n-2]
	case n == 2:
		t.Namespace, labels = labels[1], labels[:1]
	default:
		return t, false
	}
	var first string
	t.Port, first = cutPort(labels[0])
	t.Name = strings.Join(append([]string{first}, labels[1:]...), ".")
	return t, true
}

// dashed reads the label that is a whole name: service--namespace, with a port
// before it or not. A name with two dashes cannot be part of it.
func dashed(label string) (t Target, ok bool) {
	parts := strings.Split(label, "--")
	if len(parts) == 3 {
		if !isPort(parts[0]) {
			return t, false
		}
		t.Port, parts = parts[0], parts[1:]
	}
	if len(parts) != 2 || !isLabel(parts[0]) || !isLabel(parts[1]) || label[:4] == "xn--" {
		return Target{}, false
	}
	t.Name, t.Namespace = parts[0], parts[1]
	return t, true
}

// cutPort takes a port off the beginning of a label. What cannot be a port, or
// is the mark of a name in another script (RFC 5890), is part of the name.
func cutPort(label string) (port, name string) {
	port, name, ok := strings.Cut(label, "--")
	if !ok || !isPort(port) || !isLabel(name) {
		return "", label
	}
	return port, name
}

// isLabel reports whether s, in lower case, can be the name of a service or a
// namespace (RFC 1123).
func isLabel(s string) bool {
	if s == "" || len(s) > 63 || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	for i := range len(s) {
		if c := s[i]; c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}

// isPort reports whether s is a port's number, written in the one way, or can
// be its name (RFC 6335, section 5.1).
func isPort(s string) bool {
	if n, err := strconv.ParseUint(s, 10, 16); err == nil {
		return n > 0 && s[0] != '0'
	}
	return len(s) <= 15 && isLabel(s) && s != "xn" && !strings.Contains(s, "--") &&
		strings.ContainsFunc(s, func(c rune) bool { return c >= 'a' })
}
