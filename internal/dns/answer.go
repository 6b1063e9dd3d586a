package dns

import (
	"context"
	"errors"
	"net/netip"
	"runtime/debug"
	"slices"
	"time"

	"github.com/miekg/dns"

	"github.com/causeway-access/causeway/internal/conn"
	"github.com/causeway-access/causeway/internal/dns/forward"
)

// accept says what becomes of a message before it is read whole. What is no
// plain question with at most an OPT and a signature beside it is refused;
// replies are not answered, lest two servers keep talking.
func accept(h dns.Header) dns.MsgAcceptAction {
	const (
		isReply    = 1 << 15
		opcodeBits = 11
	)
	switch opcode := int(h.Bits>>opcodeBits) & 0xf; {
	case h.Bits&isReply != 0:
		return dns.MsgIgnore
	case opcode != dns.OpcodeQuery:
		return dns.MsgRejectNotImplemented
	case h.Qdcount != 1 || h.Ancount > 0 || h.Nscount > 1 || h.Arcount > 2: // IXFR has one record there
		return dns.MsgReject
	}
	return dns.MsgAccept
}

// ServeDNS implements [dns.Handler].
func (s *Server) ServeDNS(w dns.ResponseWriter, request *dns.Msg) {
	begun := time.Now()
	reply, from := s.answer(w, request)
	s.meters.count(request.Question[0].Qtype, reply.Rcode, from, time.Since(begun))
	fit(reply, w.RemoteAddr().Network(), request.IsEdns0())
	if err := w.WriteMsg(reply); err != nil {
		s.log.Debug("A DNS client did not get its answer", "client", w.RemoteAddr(), "error", err)
	}
}

// answer contains what a bad question can do to itself.
func (s *Server) answer(w dns.ResponseWriter, request *dns.Msg) (reply *dns.Msg, from source) {
	defer func() {
		if r := recover(); r != nil {
			s.log.Error("Answering a DNS question panicked", "question", request.Question[0].String(), "panic", r, "stack", string(debug.Stack()))
			reply, from = failed(request, dns.RcodeServerFailure), fromNone
		}
	}()
	q := question{Msg: request, client: conn.AddrPort(w.RemoteAddr()).Addr(), asked: request.Question[0]}
	if code, bad := q.refused(); bad {
		return failed(request, code), fromNone
	}
	if q.asked.Qtype == dns.TypeANY {
		return minimal(request), fromNone
	}
	return s.resolve(context.Background(), q) // the forwarder bounds the time
}

// refused returns why a question is not answered at all.
func (q question) refused() (code int, bad bool) {
	opt := q.IsEdns0()
	switch {
	case opt != nil && opt.Version() != 0:
		return dns.RcodeBadVers, true
	case q.asked.Qclass != dns.ClassINET:
		return dns.RcodeRefused, true
	case q.asked.Qtype == dns.TypeAXFR, q.asked.Qtype == dns.TypeIXFR:
		return dns.RcodeRefused, true // no zone transfers, to anybody
	}
	return dns.RcodeSuccess, false
}

// question is one with what it came with.
type question struct {
	*dns.Msg
	client netip.Addr
	asked  dns.Question
}

// resolve answers from the zone or by others.
func (s *Server) resolve(ctx context.Context, q question) (*dns.Msg, source) {
	found, ours := s.zone.Lookup(q.asked.Name, q.asked.Qtype)
	switch {
	case ours && !s.zone.HasSynced():
		return failed(q.Msg, dns.RcodeServerFailure), fromCluster
	case ours && found.Alias != "":
		return s.follow(ctx, q, found)
	case ours:
		reply := replyTo(q.Msg)
		reply.Authoritative = true
		reply.Rcode, reply.Answer, reply.Ns = found.Code, found.Records, found.Authority
		reply.Extra = slices.Clip(found.Extra) // what is appended must not get into the snapshot
		return reply, fromCluster
	case !q.RecursionDesired, s.forwarder.Returned(q.asked.Name):
		return failed(q.Msg, dns.RcodeRefused), fromNone
	}
	return s.forward(ctx, q, q.asked.Name)
}

// forward asks other servers for a name.
func (s *Server) forward(ctx context.Context, q question, name string) (*dns.Msg, source) {
	opt := q.IsEdns0()
	got, remembered, err := s.forwarder.Resolve(ctx, q.client, forward.Query{
		Name: name, Type: q.asked.Qtype,
		DNSSEC: opt != nil && opt.Do(), CheckingDisabled: q.CheckingDisabled,
	})
	if err != nil {
		if !errors.Is(err, forward.ErrBusy) {
			s.log.Debug("A name outside of the cluster was not resolved", "name", name, "error", err)
		}
		return failed(q.Msg, dns.RcodeServerFailure), fromOthers
	}
	reply := replyTo(q.Msg)
	reply.Rcode, reply.Answer, reply.Ns, reply.Extra = got.Rcode, got.Answer, got.Ns, withoutOPT(got.Extra)
	if remembered {
		return reply, fromCache
	}
	return reply, fromOthers
}
