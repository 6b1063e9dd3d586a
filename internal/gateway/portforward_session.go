package gateway

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/gorilla/websocket"
	forwardnames "k8s.io/apimachinery/pkg/util/portforward"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/streaming/pkg/httpstream"
	"k8s.io/streaming/pkg/httpstream/spdy"

	"github.com/causeway-access/causeway/internal/conn"
	"github.com/causeway-access/causeway/internal/fault"
	"github.com/causeway-access/causeway/internal/observe"
	"github.com/causeway-access/causeway/internal/route"
)

// The protocols of port forwarding: streams of SPDY, after an upgrade to SPDY
// or inside a WebSocket, and the channels of portforward_channels.go.
const (
	forwardProtocol = forwardnames.PortForwardV1Name
	tunnelProtocol  = forwardnames.WebsocketsSPDYTunnelingPortForwardV1
)

// accountedBackends is how many further backends one account names.
const accountedBackends = 7

// forwarding is one upgraded connection, and the TCP connections inside it.
type forwarding struct {
	g        *Gateway
	target   *route.Target
	client   netip.Addr
	received conn.Counter // from the client
	sent     conn.Counter // to the client

	mu   sync.Mutex
	line *observe.Line
	live map[*reached]struct{}
}

func newForwarding(g *Gateway, r *http.Request, t *route.Target, line *observe.Line) *forwarding {
	f := &forwarding{g: g, target: t, client: client(r), line: line, live: make(map[*reached]struct{})}
	g.observer.Upgraded(line, &f.sent, &f.received)
	return f
}

// serve upgrades the client's connection and returns when it has ended, and
// with it all that it had been for. An error means that nothing was written.
func (f *forwarding) serve(w *hijackable, r *http.Request) error {
	switch {
	case slices.Contains(websocket.Subprotocols(r), tunnelProtocol):
		return f.serveTunnel(w, r)
	case upgradeOf(r) == spdy.HeaderSpdy31:
		return f.serveSPDY(w, r)
	case offersChannels(r):
		return f.serveChannels(w, r)
	}
	return fault.New(fault.BadRequest, "gateway.portForward", fmt.Sprintf(
		"unable to upgrade: the protocols are SPDY/3.1 with %s, and WebSocket with %s or %s", forwardProtocol, tunnelProtocol, channelProtocol))
}

func (f *forwarding) serveSPDY(w *hijackable, r *http.Request) error {
	if _, err := httpstream.Handshake(r, w, []string{forwardProtocol}); err != nil {
		return nil //nolint:nilerr // Handshake has answered
	}
	s := newStreams(f)
	s.run(spdy.NewResponseUpgrader().UpgradeResponse(w, r, s.add), w.raw)
	return nil
}

// serveTunnel serves SPDY inside a WebSocket, which passes what SPDY does not.
func (f *forwarding) serveTunnel(w *hijackable, r *http.Request) error {
	upgrader := websocket.Upgrader{
		Subprotocols: []string{tunnelProtocol},
		// Who may is decided by credentials; a page's own were refused above.
		CheckOrigin: func(*http.Request) bool { return true },
	}
	ws, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return nil //nolint:nilerr // Upgrade has answered
	}
	s := newStreams(f)
	inside, err := spdy.NewServerConnection(&closedOnce{Conn: portforward.NewTunnelingConnection("server", ws)}, s.add)
	if err != nil {
		return fmt.Errorf("%w: %w", errBroken, err)
	}
	s.run(inside, w.raw)
	return nil
}

// dial opens a connection to a port of the target, and accounts for it.
func (f *forwarding) dial(ctx context.Context, port string) (*reached, error) {
	t := *f.target
	t.Port = port
	c, err := f.g.connect(ctx, &t, f.client)
	if err != nil {
		return nil, err
	}
	at := c.lease.Endpoint.String()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.line.Retries += c.retries
	switch known := f.line.Backend; {
	case known == "":
		f.line.Backend = at
	case !slices.Contains(strings.Split(known, ","), at) && strings.Count(known, ",") < accountedBackends:
		f.line.Backend += "," + at
	}
	f.live[c] = struct{}{}
	return c, nil
}

// relay copies between a client's stream and a backend until both have ended.
func (f *forwarding) relay(ctx context.Context, stream net.Conn, c *reached) {
	// An error is one side's going away, which the other was told.
	_ = conn.Relay(ctx, stream, c.Conn, &f.received, &f.sent)
	c.lease.Done()
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.live, c)
}

// breakOff resets the connections to all backends: what the client sent last
// may not have come, so that a plain end would be taken for the end of it.
func (f *forwarding) breakOff() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.live {
		c.breakOff()
	}
}

// breakOff resets the connection, which a backend cannot mistake for its end.
func (c *reached) breakOff() {
	if tcp, ok := c.Conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // it may have been closed just now
	}
	c.Close()
}
