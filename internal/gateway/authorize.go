package gateway

import (
	"net/http"
	"net/url"
	"path"
	"strings"

	"golang.org/x/net/http/httpguts"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/endpoints/handlers/responsewriters"

	"github.com/causeway-access/causeway/internal/fault"
	"github.com/causeway-access/causeway/internal/observe"
	"github.com/causeway-access/causeway/internal/route"
)

// asked is what the request asks for, by nobody yet: its method's verb on the
// proxy subresource.
func asked(r *http.Request, t *route.Target) *authorizer.AttributesRecord {
	return &authorizer.AttributesRecord{
		Verb:            verb(r.Method, t.Verb),
		Namespace:       t.Namespace,
		APIVersion:      "v1",
		Resource:        t.Resource.String(),
		Subresource:     "proxy",
		Name:            t.Segment,
		ResourceRequest: true,
		Path:            r.URL.Path,
	}
}

// authorize asks whether the user may have what he asks for. The kubelet's own
// paths need less or more than that.
func (g *Gateway) authorize(r *http.Request, t *route.Target, asked *authorizer.AttributesRecord, line *observe.Line) error {
	line.Decision = "forbid"
	if t.Resource == route.Nodes && t.Verb == route.Proxy {
		if err := g.authorizeNode(r, *asked, t); err != nil {
			return err
		}
	} else if err := g.allowed(r, asked); err != nil {
		return err
	}
	line.Decision = "allow"
	return nil
}

// authorizeNode knows what the paths of a kubelet do. Running a command takes
// "create", though a WebSocket asks for it by GET; so does every upgrade.
// Reading metrics and the like needs only that subresource.
func (g *Gateway) authorizeNode(r *http.Request, a authorizer.AttributesRecord, t *route.Target) error {
	if runsCommand(t.Path) {
		a.Verb = "create"
		return g.allowed(r, &a)
	}
	if httpguts.HeaderValuesContainsToken(r.Header["Connection"], "upgrade") {
		create := a
		create.Verb = "create"
		if err := g.allowed(r, &create); err != nil {
			return err
		}
	}
	if sub := kubeletSubresource(t.Path); sub != "" && g.cfg.Catalog.Kubelet(t) {
		fine := a
		fine.Subresource = sub
		if g.allowed(r, &fine) == nil {
			return nil
		}
	}
	return g.allowed(r, &a)
}

// allowed returns nil, or a fault that names what may not be done.
func (g *Gateway) allowed(r *http.Request, a *authorizer.AttributesRecord) error {
	decision, reason, err := g.cfg.Authorizer.Authorize(r.Context(), a)
	if decision == authorizer.DecisionAllow {
		return nil
	}
	if err != nil {
		return fault.Wrap(fault.Internal, "gateway.authorize", "Internal error occurred: deciding on the request", err)
	}
	status := responsewriters.ForbiddenStatusError(a, reason).Status()
	return &fault.Error{Kind: fault.Forbidden, Op: "gateway.authorize", Message: status.Message, Details: status.Details}
}

// verb returns the API's verb for a method.
func verb(method string, v route.Verb) string {
	if v == route.Redirect {
		return "get"
	}
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return "get"
	case http.MethodPut:
		return "update"
	case http.MethodPatch:
		return "patch"
	case http.MethodDelete:
		return "delete"
	default: // POST, and methods that nobody knows are taken for the strongest
		return "create"
	}
}

// runsCommand reports whether a kubelet path executes something. It looks at
// the path as the node may come to read it, decoded and cleaned.
func runsCommand(escaped string) bool {
	decoded, err := url.PathUnescape(escaped)
	if err != nil {
		decoded = escaped
	}
	parts := strings.SplitN(strings.TrimPrefix(path.Clean("/"+decoded), "/"), "/", 3)
	if parts[0] == "cri" && len(parts) > 1 {
		parts = parts[1:]
	}
	switch strings.ToLower(parts[0]) {
	case "exec", "attach", "run", "portforward":
		return true
	}
	return false
}

// kubeletSubresource returns the subresource of nodes that is enough for a
// path; empty if only nodes/proxy is. Since it gives rights away, it knows
// only paths that can be read in one way.
func kubeletSubresource(escaped string) string {
	if strings.ContainsAny(escaped, `%\`) || path.Clean(escaped) != strings.TrimSuffix(escaped, "/") {
		return ""
	}
	first, _, deeper := strings.Cut(strings.TrimPrefix(escaped, "/"), "/")
	switch first {
	case "metrics", "stats":
		return first
	case "logs":
		return "log"
	case "pods", "healthz", "configz":
		if !deeper {
			return first
		}
	case "runningpods":
		return "pods"
	}
	return ""
}
