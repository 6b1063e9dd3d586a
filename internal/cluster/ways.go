package cluster

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"k8s.io/apiserver/pkg/endpoints/request"

	"github.com/causeway-access/causeway/internal/authz"
	"github.com/causeway-access/causeway/internal/conn"
	"github.com/causeway-access/causeway/internal/route"
	"github.com/causeway-access/causeway/internal/tunnel"
)

// ways are how this server reaches nodes and what runs on them: by their
// addresses, or through their tunnels where they say so. It serves the paths at
// which nodes open them, and at which they ask for pods that they do not reach
// themselves (relayed.go).
type ways struct {
	hub    tunnel.Hub
	direct conn.DialFunc
	// nodes are asked at each dial.
	nodes tunnel.Nodes
	// relay is for nodes, to pods that they do not reach themselves.
	relay   tunnel.Relay
	relayed relayed
}

// directTimeout bounds a dial of who does not bound it himself.
const directTimeout = 10 * time.Second

func newWays(log *slog.Logger) *ways {
	w := &ways{direct: (&net.Dialer{Timeout: directTimeout, KeepAlive: 30 * time.Second}).DialContext}
	w.hub.Log, w.relay.Log = log, log
	w.relay.Open = w.dialFor
	return w
}

// onMove has f called when a node goes behind a tunnel or comes out, with what
// tells the endpoints there: connections that were made by the way before may
// lead nowhere now.
func (w *ways) onMove(f func(is func(route.Endpoint) bool)) {
	w.nodes.OnMove(func(in func(netip.Addr) bool) {
		f(func(e route.Endpoint) bool { return in(e.Addr.Addr()) })
	})
}

// Tunnel dials a node by its name; nil if that is reached otherwise.
func (w *ways) Tunnel(node string) conn.DialFunc {
	if _, tunnelled := w.nodes.Known(node); !tunnelled {
		return nil
	}
	return w.hub.Dialer(node)
}

// Dial is a [conn.DialFunc] for the addresses of pods and nodes.
func (w *ways) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	return w.to(address)(ctx, network, address)
}

// to is what dials an address.
func (w *ways) to(address string) conn.DialFunc {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return w.direct
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		if dial := w.Tunnel(host); dial != nil {
			return dial
		}
		return w.direct
	}
	if node, tunnelled := w.nodes.Of(addr); tunnelled {
		return w.hub.Dialer(node)
	}
	return w.direct
}

// close ends all tunnels, and what goes through them.
func (w *ways) close() {
	w.relay.Close()
	w.hub.Close()
}

// call names this server, towards nodes.
func (w *ways) call(name string) { w.hub.Name, w.relay.Name = name, name }

// openTunnel opens a tunnel of the node that asks for it. That nobody else may,
// the authoriser has seen to; which node it is, its certificate says.
func (w *ways) openTunnel(rw http.ResponseWriter, r *http.Request) { serveNode(w.hub.Accept, rw, r) }

// openRelay has the node that asks for it dial pods by this server.
func (w *ways) openRelay(rw http.ResponseWriter, r *http.Request) { serveNode(w.relay.Accept, rw, r) }

func serveNode(accept func(string, http.ResponseWriter, *http.Request), rw http.ResponseWriter, r *http.Request) {
	user, _ := request.UserFrom(r.Context())
	node, ok := authz.NodeName(user)
	if !ok {
		http.Error(rw, "only nodes may do this", http.StatusForbidden)
		return
	}
	accept(node, rw, r)
}
