// Package quota bounds what clients may have under way, by their address: one
// that takes all it can get must leave something for the others. Part of
// internal/dns, floor 1.
package quota

import (
	"net/netip"
	"sync"
)

// Quota counts what is under way. Its methods may be called from any number of
// goroutines.
type Quota struct {
	all, each int

	mu    sync.Mutex
	total int
	held  map[netip.Prefix]int
}

// New returns a quota of so many in all, and so many for each client.
func New(all, each int) *Quota {
	return &Quota{all: all, each: each, held: map[netip.Prefix]int{}}
}

// Take counts one more for a client, unless that is too many. Who is given true
// calls [Quota.Give] in the end.
func (q *Quota) Take(client netip.Addr) bool {
	c := clientOf(client)
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.total >= q.all || q.held[c] >= q.each {
		return false
	}
	q.total++
	q.held[c]++
	return true
}

// Give counts one less.
func (q *Quota) Give(client netip.Addr) {
	c := clientOf(client)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.total--
	if q.held[c]--; q.held[c] <= 0 {
		delete(q.held, c)
	}
}

// wholeSubnet is how much of an IPv6 address is its owner's to choose.
const wholeSubnet = 64

// clientOf is what counts as one client: an IPv4 address or an IPv6 /64.
func clientOf(addr netip.Addr) netip.Prefix {
	addr = addr.Unmap().WithZone("")
	bits := addr.BitLen()
	if addr.Is6() {
		bits = wholeSubnet
	}
	p, err := addr.Prefix(bits)
	if err != nil {
		return netip.Prefix{} // no address: all of these are one client
	}
	return p
}
