// Package tunnel carries connections to a node, and to its pods, over one
// connection that the node has dialled: for nodes whose addresses the API
// servers cannot reach. Both ends are here: a node runs a [Client], or [Clients]
// for several servers, and each server has a [Hub], which gives a dial function
// for each node.
//
// The node asks for an upgrade of HTTP/1.1 at [Path]; who it is, its client
// certificate says. After that both speak HTTP/2 (RFC 9113) with their roles
// turned round: the server is the client that sends a CONNECT request (RFC
// 9110, 9.3.6) for each connection, and the node answers. Flow control, of each
// stream and of all, is HTTP/2's, and so are the pings by which both notice
// that the other is gone.
//
// An HTTP/2 server of the libraries cannot end its answer while it still reads
// the request. So that a backend may say "no more from me" and still listen,
// what comes from it is in records (record.go), the last of which is empty.
//
// Floor F1.
package tunnel

import (
	"time"

	corev1 "k8s.io/api/core/v1"
)

const (
	// Path is where an API server takes tunnels.
	Path = "/tunnel"
	// protocol is what is upgraded to.
	protocol = "causeway-tunnel/1"
	// nameHeader is what the server that answers calls itself: a balancer may
	// stand before several. haveHeader are the names of those that have a tunnel
	// from the node already; such a one answers 409 Conflict.
	nameHeader, haveHeader = "Causeway-Server", "Causeway-Tunnels"
)

// Condition is the type of the condition that is true of a node that is reached
// through its tunnels, and so are its pods. Its only address is its name.
const Condition corev1.NodeConditionType = "CausewayTunnelled"

// Needed tells whether a node is reached so.
func Needed(n *corev1.Node) bool {
	for _, c := range n.Status.Conditions {
		if c.Type == Condition {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

const (
	// maxStreams is how many connections a tunnel carries at a time.
	maxStreams = 1024
	// streamWindow is what may have been sent on one of them and not been read.
	// All of them together have room for that, so that those which nobody reads
	// are in nobody's way.
	streamWindow = 256 << 10
	allWindows   = maxStreams * streamWindow
	// frameSize is how much of one stream is sent before others have their turn,
	// and what each needs to send.
	frameSize = 16 << 10
)

// Pings says how a peer that is gone is noticed.
type Pings struct {
	// After is how long nothing may come before it is asked; 15 s if zero.
	After time.Duration
	// Timeout is how long it has to answer; 15 s if zero.
	Timeout time.Duration
}

const defaultPing = 15 * time.Second
