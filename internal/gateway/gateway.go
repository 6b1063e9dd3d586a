// Package gateway is the access path: the way of a request to a service, a pod
// or a node, from its URL to the account of it.
//
// This file shows the whole way; read serve. The steps are in the files named
// after them: authenticate.go, limit.go, authorize.go, outgoing.go, reach.go, relay.go,
// stream.go for upgrades, answer.go for errors. The port-forward protocol, which
// is not HTTP beyond its head, has a way of its own in portforward.go. Floor F2.
package gateway

import (
	"net/http"
	"strings"

	"github.com/causeway-access/causeway/internal/fault"
	"github.com/causeway-access/causeway/internal/observe"
	"github.com/causeway-access/causeway/internal/route"
)

// ServeHTTP serves requests to targets, and passes all others to Next.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path, query, _ := strings.Cut(uri(r), "?")
	serve := g.serve
	target, ok := route.Parse(path, query)
	if !ok {
		target, ok = route.ParseForward(path)
		if !ok || !g.forwards(&target) {
			g.pass(w, r)
			return
		}
		serve = g.servePortForward
	}
	g.running.enter()
	defer g.running.leave()
	line := g.begin(r, path, query)
	out := &reply{ResponseWriter: w, body: newBody(r)}
	out.Header().Set("Audit-Id", line.ID)
	defer g.finish(out, r, line)

	if err := serve(out, r, &target, line); err != nil {
		g.answer(out, r, line, err)
	}
}

// serve is the access path. Its order is what keeps it safe: nothing is looked
// up for a caller who may not ask. An error means that nothing was written
// yet, unless it is errBroken.
func (g *Gateway) serve(w *reply, r *http.Request, t *route.Target, line *observe.Line) error {
	// What is asked for is in the account of those, too, who are refused before
	// anybody knows who they are.
	attributes := asked(r, t)
	line.Attributes = attributes

	// A method that no target can have is refused for everybody alike.
	if r.Method == http.MethodConnect || r.Method == http.MethodTrace {
		return fault.New(fault.MethodNotAllowed, "gateway", "the server does not allow this method on the requested resource")
	}

	// Who asks? The credential that says so is gone from the request after this.
	caller, served, err := g.identify(w, r, attributes, line)
	if err != nil || !served {
		return err
	}

	// Has he not too much under way already?
	slot, err := g.limits.enter(r, caller)
	if err != nil {
		return err
	}
	defer slot.leave()

	// May he? By the name segment as it stands in the URL, before anybody
	// knows whether such an object exists.
	if err := g.authorize(r, t, attributes, line); err != nil {
		return err
	}
	if err := t.Check(); err != nil {
		return fault.Wrap(fault.BadRequest, "gateway", err.Error(), err)
	}

	// Pages of a bare target have relative links, which need its final slash.
	upgrade := upgradeOf(r)
	if t.Verb == route.Proxy && t.Path == "" && upgrade == "" && safe(r.Method) {
		return addSlash(w, r, t)
	}

	// What does the target stand for at this moment?
	backend, err := g.cfg.Catalog.Resolve(t)
	if err != nil {
		return err
	}
	if t.Verb == route.Redirect {
		return g.redirect(w, r, t, backend, line)
	}

	// Rewrite the request; then pick an endpoint and forward to it, and again
	// if it could not be reached.
	out := g.outgoing(w, r, t, backend, upgrade)
	answer, lease, err := g.reach(out, backend, line)
	if err != nil {
		return err
	}
	defer lease.Done()

	// Rewrite the response and stream it, or join the two connections.
	rules := rulesFor(&out.place, line.Backend)
	if answer.StatusCode == http.StatusSwitchingProtocols {
		return g.join(w, r, answer, rules, line)
	}
	return g.relay(w, r, answer, rules)
}
