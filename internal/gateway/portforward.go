package gateway

import (
	"bufio"
	"net"
	"net/http"
	"sync"

	"github.com/causeway-access/causeway/internal/fault"
	"github.com/causeway-access/causeway/internal/observe"
	"github.com/causeway-access/causeway/internal/route"
)

// forwards reports whether a request for the port-forward protocol is the
// gateway's to answer. Services always are: nobody else knows them. For pods it
// is the node's where there are node agents.
func (g *Gateway) forwards(t *route.Target) bool {
	return t.Resource == route.Services || g.cfg.ForwardPods && !g.cfg.Catalog.HasAgent(t)
}

// servePortForward is the access path of connections that are no HTTP: TCP to a
// pod, or to a port of a service, inside an upgraded connection. Its order is
// that of serve. What is picked and dialled, is once for each connection that
// the client opens inside, in portforward_dial.go.
func (g *Gateway) servePortForward(w *reply, r *http.Request, t *route.Target, line *observe.Line) error {
	// Create, whatever the method: a WebSocket asks by GET for the same that
	// SPDY asks for by POST.
	attributes := asked(r, t)
	attributes.Verb, attributes.Subresource = "create", "portforward"
	line.Attributes = attributes

	// Asked while the credential is still in the request.
	if g.scripted(r) {
		return fault.New(fault.Forbidden, "gateway.portForward", "a page in a browser may not forward ports with the browser's own credentials; use a token")
	}
	caller, served, err := g.identify(w, r, attributes, line)
	if err != nil || !served {
		return err
	}
	slot, err := g.limits.enter(r, caller)
	if err != nil {
		return err
	}
	defer slot.leave()

	line.Decision = "forbid"
	if err := g.allowed(r, attributes); err != nil {
		return err
	}
	line.Decision = "allow"
	if err := upgradeable(r); err != nil {
		return err
	}
	if err := g.forwardable(t); err != nil {
		return err
	}
	line.Upgrade = true
	f := newForwarding(g, r, t, line)
	err = f.serve(&hijackable{reply: w}, r)
	w.sent += f.sent.Load()
	w.body.read.Add(f.received.Load())
	return err
}

// upgradeable reports what is wrong with the request for an upgrade.
func upgradeable(r *http.Request) error {
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		return fault.New(fault.MethodNotAllowed, "gateway.portForward", "the server does not allow this method on the requested resource")
	}
	if upgradeOf(r) == "" {
		return fault.New(fault.BadRequest, "gateway.portForward", "Upgrade request required")
	}
	return nil
}

// forwardable reports what is wrong with a target before any port of it is
// asked for: that it does not exist, or that the pod cannot be reached. What a
// service lacks may come, and is told to each connection.
func (g *Gateway) forwardable(t *route.Target) error {
	_, err := g.cfg.Catalog.Resolve(t)
	if t.Resource == route.Services && !fault.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

// hijackable is a reply whose connection the libraries of Kubernetes can take
// over: they look for the method on the writer itself.
type hijackable struct {
	*reply
	raw net.Conn // once it was taken over
}

// Hijack implements [http.Hijacker].
func (w *hijackable) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c, buffered, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	w.raw = &closedOnce{Conn: c}
	w.taken, w.status = true, http.StatusSwitchingProtocols
	return w.raw, buffered, nil
}

// closedOnce is a connection whose end is nobody's concern: for an error of
// closing it, SPDY's library waits until somebody hears of it.
type closedOnce struct {
	net.Conn
	once sync.Once
}

func (c *closedOnce) Close() error {
	c.once.Do(func() { _ = c.Conn.Close() })
	return nil
}
