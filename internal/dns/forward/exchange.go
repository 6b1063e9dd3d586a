package forward

import (
	"context"
	"errors"
	"net/netip"
	"strings"

	"github.com/miekg/dns"
)

// bufferSize is what fits into a packet on any path (dnsflagday.net/2020).
const bufferSize = 1232

// errMismatch says that a reply is to another question.
var errMismatch = errors.New("the reply is not to what was asked")

// ask asks one server: by UDP, and by TCP if the answer is too long for that.
// Each question has a port and an ID of its own, and nothing that a client sent
// with it goes along.
func (f *Forwarder) ask(ctx context.Context, server netip.AddrPort, q Query) (*dns.Msg, error) {
	msg, err := f.exchange(ctx, "udp", server, q)
	if err == nil && msg.Truncated {
		msg, err = f.exchange(ctx, "tcp", server, q)
	}
	return msg, err
}

func (f *Forwarder) exchange(ctx context.Context, network string, server netip.AddrPort, q Query) (*dns.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, f.try)
	defer cancel()
	m := new(dns.Msg)
	m.SetQuestion(q.Name, q.Type)
	m.CheckingDisabled = q.CheckingDisabled
	m.SetEdns0(bufferSize, q.DNSSEC)
	c, err := f.dial(ctx, network, server.String())
	if err != nil {
		return nil, err
	}
	defer c.Close()
	client := dns.Client{Net: network, UDPSize: bufferSize, Timeout: f.try}
	reply, _, err := client.ExchangeWithConnContext(ctx, m, &dns.Conn{Conn: c, UDPSize: bufferSize})
	if err != nil {
		return nil, err
	}
	if !reply.Response || len(reply.Question) != 1 || !sameQuestion(reply.Question[0], m.Question[0]) {
		return nil, errMismatch
	}
	return reply, nil
}

func sameQuestion(a, b dns.Question) bool {
	return a.Qtype == b.Qtype && a.Qclass == b.Qclass && strings.EqualFold(a.Name, b.Name)
}
