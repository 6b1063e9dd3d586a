package forward

import (
	"context"
	"crypto/rand"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// probe asks a server for a name that nobody else knows. If somebody asks this
// server for it, the way through that one leads back here, and it is asked no
// more until the list of servers changes. The caller holds mu.
func (u *upstreams) probe(server netip.AddrPort) {
	name := strings.ToLower(rand.Text() + "." + rand.Text() + ".")
	u.probes[name] = server
	go func() {
		// What comes back is of no interest: the server does not know the name.
		_, _ = u.ask(context.Background(), server, Query{Name: name, Type: dns.TypeHINFO})
		u.mu.Lock()
		defer u.mu.Unlock()
		delete(u.probes, name)
	}()
}

// returned reports whether a name is that of a probe, and drops its server.
func (u *upstreams) returned(name string) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.probes) == 0 {
		return false
	}
	server, ok := u.probes[strings.ToLower(name)]
	if !ok {
		return false
	}
	u.servers = slices.DeleteFunc(u.servers, func(s netip.AddrPort) bool { return s == server })
	u.log.Error("An upstream DNS server forwards to this one; it is not asked any more", "server", server)
	return true
}
