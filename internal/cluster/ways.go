package cluster

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/client-go/tools/cache"

	"github.com/causeway-access/causeway/internal/authz"
	"github.com/causeway-access/causeway/internal/conn"
	"github.com/causeway-access/causeway/internal/route"
	"github.com/causeway-access/causeway/internal/tunnel"
)

// ways are how this server reaches nodes and what runs on them: by their
// addresses, or through their tunnels where they say so. It serves the path at
// which nodes open them.
type ways struct {
	hub    tunnel.Hub
	direct conn.DialFunc

	mu sync.Mutex // orders changes of table
	// moved is told of endpoints to which another way leads from now on.
	moved func(is func(route.Endpoint) bool)
	// table has the nodes with tunnels by their names, each with its pods'
	// addresses. Who dials reads it without a lock.
	table atomic.Pointer[map[string][]netip.Prefix]
}

// directTimeout bounds a dial of who does not bound it himself.
const directTimeout = 10 * time.Second

func newWays(log *slog.Logger) *ways {
	w := &ways{direct: (&net.Dialer{Timeout: directTimeout, KeepAlive: 30 * time.Second}).DialContext}
	w.hub.Log = log
	w.table.Store(&map[string][]netip.Prefix{})
	return w
}

// onMove has f called when a node goes behind a tunnel or comes out, with what
// tells the endpoints there: connections that were made by the way before may
// lead nowhere now.
func (w *ways) onMove(f func(is func(route.Endpoint) bool)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.moved = f
}

// follow keeps the table as the Node objects say.
func (w *ways) follow(nodes cache.SharedIndexInformer) error {
	_, err := nodes.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(o any) { w.set(o.(*corev1.Node)) },
		UpdateFunc: func(_, o any) { w.set(o.(*corev1.Node)) },
		DeleteFunc: func(o any) {
			if missed, ok := o.(cache.DeletedFinalStateUnknown); ok {
				o = missed.Obj
			}
			if n, ok := o.(*corev1.Node); ok {
				w.change(n.Name, nil)
			}
		},
	})
	if err != nil {
		return fmt.Errorf("watching nodes for the ways to them: %w", err)
	}
	return nil
}

func (w *ways) set(n *corev1.Node) {
	if !tunnel.Needed(n) {
		w.change(n.Name, nil)
		return
	}
	pods := []netip.Prefix{}
	for _, text := range n.Spec.PodCIDRs {
		if p, err := netip.ParsePrefix(text); err == nil {
			pods = append(pods, p.Masked())
		}
	}
	w.change(n.Name, pods)
}

// change replaces what is known of a node; nil is one without tunnels.
func (w *ways) change(node string, pods []netip.Prefix) {
	w.mu.Lock()
	defer w.mu.Unlock()
	table := *w.table.Load()
	before, known := table[node]
	if known == (pods != nil) && slices.Equal(before, pods) {
		return
	}
	table = maps.Clone(table)
	table[node] = pods
	if pods == nil {
		delete(table, node)
	}
	w.table.Store(&table)
	if w.moved != nil {
		there := slices.Concat(before, pods)
		w.moved(func(e route.Endpoint) bool { return within(there, e.Addr.Addr()) })
	}
}

func within(ranges []netip.Prefix, addr netip.Addr) bool {
	return slices.ContainsFunc(ranges, func(p netip.Prefix) bool { return p.Contains(addr.Unmap()) })
}

// Tunnel dials a node by its name; nil if that is reached otherwise.
func (w *ways) Tunnel(node string) conn.DialFunc {
	if _, known := (*w.table.Load())[node]; !known {
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
	table := *w.table.Load()
	host, _, err := net.SplitHostPort(address)
	if err != nil || len(table) == 0 {
		return w.direct
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		if dial := w.Tunnel(host); dial != nil {
			return dial
		}
		return w.direct
	}
	for node, pods := range table {
		if within(pods, addr) {
			return w.hub.Dialer(node)
		}
	}
	return w.direct
}

// ServeHTTP opens a tunnel of the node that asks for it. That nobody else may,
// the authoriser has seen to; which node it is, its certificate says.
func (w *ways) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	user, _ := request.UserFrom(r.Context())
	node, ok := authz.NodeName(user)
	if !ok {
		http.Error(rw, "only nodes open tunnels", http.StatusForbidden)
		return
	}
	w.hub.Accept(node, rw, r)
}
