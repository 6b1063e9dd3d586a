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

const (
	// PodsPath is where an API server takes connections of nodes to pods that
	// they do not reach themselves.
	PodsPath = Path + "/pods"
	// podsProtocol is what is upgraded to.
	podsProtocol = "causeway-pods/1"
	// mostRoads is how many connections a node may have to one relay, each of
	// which carries maxStreams. A node needs one, and another while one that is
	// broken has not been missed yet.
	mostRoads = 4
)

// Relay joins nodes with pods that they do not reach themselves, at an API
// server.
type Relay struct {
	// Open dials a pod for a node, which has been authenticated, if that may be;
	// else it fails with a [Refusal], or with [Absent]. Required.
	Open func(node string) conn.DialFunc
	// Pings notice nodes that are gone.
	Pings Pings
	// Name is what this server calls itself towards nodes.
	Name string
	// Log is slog.Default() if nil.
	Log *slog.Logger

	mu     sync.Mutex
	roads  map[string]int // by node
	life   context.Context
	end    context.CancelFunc
	closed bool
	ended  sync.WaitGroup
}

// Accept takes over the connection of a request by which a node wants to dial
// pods. When Accept returns the request is over.
func (r *Relay) Accept(node string, w http.ResponseWriter, q *http.Request) {
	switch {
	case !asks(w, q, podsProtocol):
		return
	case knows(q, r.Name):
		http.Error(w, errAnother.Error(), http.StatusConflict)
		return
	case !r.enter(node):
		http.Error(w, fmt.Sprintf("node %s has %d connections to pods here already, or this server ends", node, mostRoads), http.StatusTooManyRequests)
		return
	}
	c, err := turn(w, podsProtocol, r.Name)
	if err != nil {
		r.leave(node)
		r.log().Warn("A node's connection to pods was not opened", "node", node, "error", err)
		return
	}
	go func() {
		defer r.leave(node)
		defer c.Close()
		defer context.AfterFunc(r.life, func() { c.Close() })()
		answerer{r.Open(node), r.Pings}.serve(r.life, plain{c})
	}()
}

// plain hides that a connection is TLS: which ciphers are good enough is not
// HTTP/2's to say here.
type plain struct{ net.Conn }

func (r *Relay) enter(node string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.life == nil {
		r.life, r.end = context.WithCancel(context.Background())
		r.roads = map[string]int{}
	}
	if r.closed || r.roads[node] >= mostRoads {
		return false
	}
	r.roads[node]++
	r.ended.Add(1)
	return true
}

func (r *Relay) leave(node string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.roads[node]--; r.roads[node] == 0 {
		delete(r.roads, node)
	}
	r.ended.Done()
}

// Close ends all connections. No more are accepted.
func (r *Relay) Close() {
	r.mu.Lock()
	r.closed = true
	if r.end != nil {
		r.end()
	}
	r.mu.Unlock()
	r.ended.Wait()
}

func (r *Relay) log() *slog.Logger { return cmp.Or(r.Log, slog.Default()) }
