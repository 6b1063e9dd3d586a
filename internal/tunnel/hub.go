package tunnel

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"

	"github.com/causeway-access/causeway/internal/conn"
)

// Hub has the tunnels of all nodes that have one to this server. Its zero value
// is ready.
type Hub struct {
	// Pings notice nodes that are gone.
	Pings Pings
	// Name is what this server calls itself towards nodes, which keep one tunnel
	// to each name. Empty is none.
	Name string
	// Log hears of nodes that come and go; slog.Default() if nil.
	Log *slog.Logger

	mu     sync.Mutex
	links  map[string]*link
	closed bool
	ended  sync.WaitGroup
}

// Accept makes a request, which has been authenticated as a node, its tunnel.
// It takes the place of one that the node had: a node that has lost its end
// comes again before ours is missed. When Accept returns the request is over.
func (h *Hub) Accept(node string, w http.ResponseWriter, r *http.Request) {
	if !asks(w, r, protocol) {
		return
	}
	if knows(r, h.Name) && h.Connected(node) {
		http.Error(w, errAnother.Error(), http.StatusConflict)
		return
	}
	c, err := turn(w, protocol, h.Name)
	if err == nil {
		err = h.open(node, c)
	}
	if err != nil {
		h.log().Warn("A node's tunnel was not opened", "node", node, "error", err)
	}
}

func (h *Hub) open(node string, c net.Conn) error {
	l, err := newLink(c, h.Pings)
	if err != nil {
		return err
	}
	before, err := h.add(node, l)
	if err != nil {
		return err
	}
	if before != nil {
		before.conn.Close()
	}
	h.log().Info("A node's tunnel is open", "node", node, "from", c.RemoteAddr().String())
	return nil
}

// add keeps a link until it ends, and returns the one whose place it takes.
func (h *Hub) add(node string, l *link) (before *link, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		l.conn.Close()
		return nil, net.ErrClosed
	}
	if h.links == nil {
		h.links = map[string]*link{}
	}
	before, h.links[node] = h.links[node], l
	h.ended.Go(func() {
		<-l.conn.ended
		h.forget(node, l)
	})
	return before, nil
}

func (h *Hub) forget(node string, l *link) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.links[node] == l {
		delete(h.links, node)
		h.log().Info("A node's tunnel has ended", "node", node)
	}
}

// Connected tells whether a node has a tunnel to this server.
func (h *Hub) Connected(node string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.links[node] != nil
}

// Dialer dials through a node's tunnel what the node allows. Connections are
// [conn.HalfCloser], and outlive the context that they were dialled with.
func (h *Hub) Dialer(node string) conn.DialFunc {
	return func(ctx context.Context, _, address string) (net.Conn, error) {
		h.mu.Lock()
		l := h.links[node]
		h.mu.Unlock()
		if l == nil {
			return nil, &Absent{fmt.Sprintf("dialling %s: its node %s has no tunnel to this server now", address, node)}
		}
		c, err := l.dial(ctx, address)
		if err != nil {
			return nil, fmt.Errorf("dialling %s through the tunnel of node %s: %w", address, node, err)
		}
		return c, nil
	}
}

// Close ends all tunnels and what goes through them. No more are accepted.
func (h *Hub) Close() {
	h.mu.Lock()
	h.closed = true
	for _, l := range h.links {
		l.conn.Close()
	}
	h.mu.Unlock()
	h.ended.Wait()
}

func (h *Hub) log() *slog.Logger { return cmp.Or(h.Log, slog.Default()) }
