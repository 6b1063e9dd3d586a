package dns

import (
	"context"

	"github.com/miekg/dns"

	"github.com/causeway-access/causeway/internal/dns/zone"
)

// maxAliases bounds a chain of aliases: services may be external names of each
// other, in a circle.
const maxAliases = 8

// follow answers for a name that stands for another: with that, and with what
// there is of the other, in the cluster or not.
func (s *Server) follow(ctx context.Context, q question, found zone.Answer) (*dns.Msg, source) {
	reply, from := replyTo(q.Msg), fromCluster
	reply.Authoritative = true
	for range maxAliases {
		reply.Answer = append(reply.Answer, found.Records...)
		if found.Alias == "" {
			reply.Rcode, reply.Ns = found.Code, found.Authority
			return reply, from
		}
		next, ours := s.zone.Lookup(found.Alias, q.asked.Qtype)
		if !ours {
			rest, from := s.forward(ctx, q, found.Alias)
			reply.Rcode, reply.Ns = rest.Rcode, rest.Ns
			reply.Answer = append(reply.Answer, rest.Answer...)
			return reply, from
		}
		found = next
	}
	return failed(q.Msg, dns.RcodeServerFailure), from
}
