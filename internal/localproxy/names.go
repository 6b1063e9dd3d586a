package localproxy

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"strconv"
	"strings"

	"github.com/causeway-access/causeway/internal/route"
	"github.com/causeway-access/causeway/internal/transport"
)

// An application is reached in two ways: below its prefix, as at every API
// server, and by a local name, http://service.namespace.localhost:8001/, where
// it has an origin of its own. These are the requests of the second way: their
// Host says whom they are for, and nothing but that target is served there.

// named is a request to a local name.
type named struct {
	// target is the name's, with the path and the query that are asked for, and
	// the prefix under which an API server serves it.
	target route.Target
	// host is the Host that was asked for, with its port: what the application
	// is to know itself by.
	host string
}

// namedKey is the context key of a *named.
type namedKey struct{}

func namedIn(ctx context.Context) (*named, bool) {
	n, ok := ctx.Value(namedKey{}).(*named)
	return n, ok
}

// splitPort splits a Host into name and port, which may be missing.
func splitPort(host string) (name, port string, ok bool) {
	name, port, has := strings.Cut(host, ":")
	if !has {
		return name, "", true
	}
	_, err := strconv.ParseUint(port, 10, 16)
	return name, port, err == nil
}

// nameOf returns the target whose local name a request was made to.
func (p *Proxy) nameOf(r *http.Request) (route.Target, bool) {
	if p.cfg.NoNames {
		return route.Target{}, false
	}
	name, _, ok := splitPort(r.Host)
	if !ok {
		return route.Target{}, false
	}
	return route.ParseLocalName(name)
}

// misnamed reports whether a request was made to what looks like a local name
// and is none, nor a host that the filter was told of.
func (p *Proxy) misnamed(r *http.Request) bool {
	name, _, ok := splitPort(r.Host)
	return ok && !p.cfg.NoNames && strings.HasSuffix(strings.ToLower(name), "."+route.LocalDomain) &&
		p.cfg.Filter != nil && !p.cfg.Filter.acceptsHost(r.Host)
}

// applications serves requests to local names.
func (p *Proxy) applications() func(http.ResponseWriter, *http.Request, route.Target) {
	pass := lean{&httputil.ReverseProxy{
		Rewrite:        rewriteNamed,
		Transport:      failover{p.servers},
		ModifyResponse: explainStatus,
		ErrorHandler:   failedNamed,
		ErrorLog:       slog.NewLogLogger(p.cfg.Log.Handler(), slog.LevelDebug),
	}}
	return func(w http.ResponseWriter, r *http.Request, name route.Target) {
		n, ok := place(r, &name)
		switch {
		case !ok:
			http.Error(w, http.StatusText(http.StatusBadRequest), http.StatusBadRequest)
		case !p.cfg.Filter.acceptsNamed(r, n):
			http.Error(w, http.StatusText(http.StatusForbidden), http.StatusForbidden)
		default:
			pass.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), namedKey{}, n)))
		}
	}
}

// place puts the request's path behind the prefix of the target. The path is
// what it is, but for dot segments: whoever resolves them later must not find
// a way out of the prefix.
func place(r *http.Request, name *route.Target) (*named, bool) {
	path, query, _ := strings.Cut(r.RequestURI, "?")
	if !strings.HasPrefix(path, "/") { // absolute form
		path, query = r.URL.EscapedPath(), r.URL.RawQuery
	}
	if path == "" {
		path = "/"
	}
	if path[0] != '/' { // the asterisk of OPTIONS
		return nil, false
	}
	t, ok := route.Parse(name.String()+path, query)
	same := t.Resource == name.Resource && t.Namespace == name.Namespace && t.Segment == name.Segment
	return &named{target: t, host: r.Host}, ok && same && t.Check() == nil
}

// rewriteNamed gives the request the target's path at the server, and notes an
// Authorization header as the application's. What a page can write into its
// requests must not have the API server take the user for another.
func rewriteNamed(r *httputil.ProxyRequest) {
	n, _ := namedIn(r.In.Context())
	transport.SetPath(r.Out.URL, n.target.Prefix+n.target.Path)
	r.Out.URL.RawQuery = n.target.Query
	r.Out.Host = "" // the server's own
	delete(r.Out.Header, route.OwnOriginHeader)
	for header := range r.Out.Header {
		if strings.HasPrefix(header, "Impersonate-") {
			delete(r.Out.Header, header)
		}
	}
	if values := r.In.Header["Authorization"]; len(values) > 0 {
		r.Out = r.Out.WithContext(context.WithValue(r.Out.Context(), wishKey{}, values))
	}
}
