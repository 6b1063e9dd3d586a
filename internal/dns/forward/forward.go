// Package forward answers questions that are not the cluster's by asking the
// servers of resolv.conf, and remembers what they said, that there is nothing
// included. Part of internal/dns, floor 1.
//
// Clients that ask the same at a time wait for one answer. That is also what
// keeps a loop from growing: a question that comes back from a server while
// that server is asked joins those who wait for it.
package forward

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/sync/singleflight"

	"github.com/causeway-access/causeway/internal/conn"
	"github.com/causeway-access/causeway/internal/dns/quota"
)

// Config says where questions go and what bounds them. The zero value asks the
// servers of /etc/resolv.conf.
type Config struct {
	// ResolvConf is the file that names the servers. It is read again when it
	// changes. Empty means /etc/resolv.conf.
	ResolvConf string
	// Servers are asked instead if there are any.
	Servers []netip.AddrPort
	// Dial connects to a server; a net.Dialer's if nil.
	Dial conn.DialFunc
	// Own reports whether an address is that of this very server, which is
	// never asked. Nil means that none is.
	Own func(netip.AddrPort) bool
	// Try bounds the wait for one server, and Total that for all of them. Zero
	// means 1.5 s and 4.5 s: clients ask again after 5 s.
	Try, Total time.Duration
	// CacheSize is how many answers are remembered. Zero means 8192.
	CacheSize int
	// MaxTTL bounds how long. Zero means 30 s.
	MaxTTL time.Duration
	// InFlight is how many questions may wait for servers, and PerClient how
	// many of one client. Zero means 1024 and 128.
	InFlight, PerClient int
	// Logger takes what an operator should know. Nil is slog.Default.
	Logger *slog.Logger
}

const (
	defaultTry       = 1500 * time.Millisecond
	defaultTotal     = 4500 * time.Millisecond
	defaultCacheSize = 8192
	defaultMaxTTL    = 30 * time.Second
	defaultInFlight  = 1024
	defaultPerClient = 128
)

// ErrBusy says that a client, or all of them together, have too many questions
// waiting.
var ErrBusy = errors.New("too many questions are waiting for upstream servers")

// Query is a question of class IN.
type Query struct {
	Name string // absolute
	Type uint16
	// DNSSEC asks for signatures, and CheckingDisabled for answers whose
	// signatures are wrong (RFC 4035).
	DNSSEC, CheckingDisabled bool
}

// Forwarder asks other servers. Its methods may be called from any number of
// goroutines.
type Forwarder struct {
	upstreams  *upstreams
	cache      *memory
	flights    singleflight.Group
	waiting    *quota.Quota
	dial       conn.DialFunc
	try, total time.Duration
}

// New returns a forwarder. It asks nobody before it is asked.
func New(cfg Config) *Forwarder {
	f := &Forwarder{
		cache:   newMemory(cmp.Or(cfg.CacheSize, defaultCacheSize), cmp.Or(cfg.MaxTTL, defaultMaxTTL)),
		waiting: quota.New(cmp.Or(cfg.InFlight, defaultInFlight), cmp.Or(cfg.PerClient, defaultPerClient)),
		try:     cmp.Or(cfg.Try, defaultTry), total: cmp.Or(cfg.Total, defaultTotal), dial: cfg.Dial,
	}
	if f.dial == nil {
		f.dial = new(net.Dialer).DialContext
	}
	f.upstreams = newUpstreams(cfg, f.ask)
	return f
}

// Cached is how many answers are remembered.
func (f *Forwarder) Cached() int { return len(f.cache.entries.Keys()) }

// Returned reports whether a question is one of those by which the forwarder
// finds out that a server it asks leads back to itself. It must not be
// answered as others are.
func (f *Forwarder) Returned(name string) bool { return f.upstreams.returned(name) }

// Resolve returns the answer to a question, which is the caller's, and whether
// it was remembered.
func (f *Forwarder) Resolve(ctx context.Context, client netip.Addr, q Query) (msg *dns.Msg, remembered bool, err error) {
	key := keyOf(q)
	if msg, ok := f.cache.load(key); ok {
		return msg, true, nil
	}
	if !f.waiting.Take(client) {
		return nil, false, ErrBusy
	}
	defer f.waiting.Give(client)
	flight := f.flights.DoChan(key, func() (any, error) {
		if msg, ok := f.cache.load(key); ok { // a flight that has just landed
			return msg, nil
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), f.total)
		defer cancel()
		msg, err := f.askAll(ctx, q)
		if err != nil {
			msg = failure(q)
		}
		f.cache.store(key, msg)
		return msg, err
	})
	select {
	case <-ctx.Done():
		return nil, false, ctx.Err()
	case got := <-flight:
		if got.Err != nil {
			return nil, false, got.Err
		}
		msg, ok := got.Val.(*dns.Msg)
		if !ok {
			return nil, false, fmt.Errorf("asking for %s: no answer", q.Name)
		}
		return msg.Copy(), false, nil
	}
}

// failure is what is remembered if no server answers.
func failure(q Query) *dns.Msg {
	m := new(dns.Msg)
	m.SetQuestion(q.Name, q.Type)
	m.Response, m.Rcode = true, dns.RcodeServerFailure
	return m
}

// askAll asks one server after another until one knows. The one that knew last
// is asked first.
func (f *Forwarder) askAll(ctx context.Context, q Query) (*dns.Msg, error) {
	servers, err := f.upstreams.current()
	if err != nil {
		return nil, fmt.Errorf("asking for %s: %w", q.Name, err)
	}
	var refused *dns.Msg
	var errs []error
	for _, server := range servers {
		msg, err := f.ask(ctx, server, q)
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("asking %s for %s: %w", server, q.Name, err))
		case msg.Rcode == dns.RcodeSuccess || msg.Rcode == dns.RcodeNameError:
			f.upstreams.knew(server)
			return msg, nil
		default:
			refused = msg
		}
		if ctx.Err() != nil {
			break
		}
	}
	if refused != nil {
		return refused, nil
	}
	return nil, errors.Join(errs...)
}
