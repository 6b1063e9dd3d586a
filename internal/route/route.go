// Package route names what a request wants (Target), what that resolves to
// (Backend) and one address that answers for it (Endpoint).
//
// It parses every URL form under which services, pods and nodes have been
// reached through the API since 2015, and prints one canonical form. It is
// pure: no input or output, no clock, and it knows nothing of net/http.
// Floor F0: every package of the access path may import it.
package route

// Verb says what is to be done with a Target.
type Verb uint8

// The verbs of a Target.
const (
	// Proxy relays the request to the target and the answer back.
	Proxy Verb = iota
	// Redirect answers with the address of one endpoint (2015, and since).
	Redirect
)

// String returns the verb as it stands in a URL.
func (v Verb) String() string {
	if v == Redirect {
		return "redirect"
	}
	return "proxy"
}

// Resource is the kind of object that a Target names.
type Resource uint8

// The resources that can be targets.
const (
	Services Resource = iota
	Pods
	Nodes
)

// String returns the plural resource name of the API.
func (r Resource) String() string {
	switch r {
	case Pods:
		return "pods"
	case Nodes:
		return "nodes"
	default:
		return "services"
	}
}

// Schemes by which a backend is spoken to. An explicit scheme in a URL is
// SchemeHTTP or SchemeHTTPS; SchemeH2C comes from a port's appProtocol only.
const (
	SchemeHTTP  = "http"
	SchemeHTTPS = "https"
	SchemeH2C   = "h2c"
)

// Target is a parsed URL: what the caller wants, before anybody asked whether
// it exists or whether he may.
type Target struct {
	Verb     Verb
	Resource Resource
	// Namespace is empty for nodes alone.
	Namespace string
	// Segment is the whole decoded name segment ("https:web:http"). It is the
	// name that authorisation sees.
	Segment string
	// Scheme, Name and Port are the parts of Segment. Scheme and Port may be
	// empty. They mean something only if Check returns nil.
	Scheme, Name, Port string
	// Prefix is the part of the URL's path before Path, as the client sent it.
	Prefix string
	// Path is what follows the prefix, byte for byte except that dot segments
	// are resolved: empty, or beginning with a slash.
	Path string
	// Query is the raw query without its question mark.
	Query string
	// Legacy is set for the URL forms of 2015 to 2017.
	Legacy bool

	malformed bool
}
