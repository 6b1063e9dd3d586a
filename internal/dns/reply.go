package dns

import (
	"slices"

	"github.com/miekg/dns"
)

// bufferSize is how long a packet may be, in both directions: what passes on
// any path without fragments, which get lost or forged (dnsflagday.net/2020).
const bufferSize = 1232

// replyTo is an empty reply.
func replyTo(request *dns.Msg) *dns.Msg {
	reply := new(dns.Msg)
	reply.SetReply(request)
	reply.CheckingDisabled = request.CheckingDisabled
	reply.RecursionAvailable = true
	return reply
}

func failed(request *dns.Msg, code int) *dns.Msg {
	reply := replyTo(request)
	reply.Rcode = code
	return reply
}

// anyTTL is how long a client may remember that ANY is not answered.
const anyTTL = 3600

// minimal is the answer to a question for everything, which nothing needs and
// attacks use: RFC 8482, section 4.2.
func minimal(request *dns.Msg) *dns.Msg {
	reply := replyTo(request)
	reply.Answer = []dns.RR{&dns.HINFO{
		Hdr: dns.RR_Header{Name: request.Question[0].Name, Rrtype: dns.TypeHINFO, Class: dns.ClassINET, Ttl: anyTTL},
		Cpu: "RFC8482",
	}}
	return reply
}

// fit makes a reply as short as its client can take it: of a packet, what has
// to be left out is left out, and the reply says so if it was of use.
func fit(reply *dns.Msg, network string, opt *dns.OPT) {
	if opt != nil {
		reply.SetEdns0(bufferSize, opt.Do())
	}
	size := dns.MaxMsgSize
	if network == "udp" {
		size = dns.MinMsgSize
		if opt != nil {
			size = min(max(size, int(opt.UDPSize())), bufferSize)
		}
	}
	reply.Compress = true
	if reply.Len() > size && len(reply.Answer) > 0 {
		// Addresses of what was found are a courtesy; who wants them can ask.
		reply.Extra = slices.DeleteFunc(slices.Clone(reply.Extra), func(r dns.RR) bool { return r.Header().Rrtype != dns.TypeOPT })
	}
	reply.Truncate(size)
}

func withoutOPT(extra []dns.RR) []dns.RR {
	return slices.DeleteFunc(extra, func(r dns.RR) bool { return r.Header().Rrtype == dns.TypeOPT })
}
