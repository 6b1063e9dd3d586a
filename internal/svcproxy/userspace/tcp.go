package userspace

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/causeway-access/causeway/internal/conn"
	"github.com/causeway-access/causeway/internal/svcproxy"
)

const (
	// dialNext is how long an endpoint is dialled while there are others, and
	// dialLast the last of them.
	dialNext = 3 * time.Second
	dialLast = 15 * time.Second
	// acceptPause follows an accept that failed, as it does when there are too
	// many open files.
	acceptPause = 50 * time.Millisecond
)

// streams is a port of TCP.
type streams struct {
	proxy    *Proxy
	listener net.Listener
	choose   *chooser
}

func (p *Proxy) openStreams(ctx context.Context, rule *svcproxy.Rule, by ears) (port, error) {
	l, err := by.streams(ctx, rule.Key.Addr)
	if err != nil {
		return nil, err
	}
	s := &streams{proxy: p, listener: l, choose: newChooser(rule)}
	p.relays.Go(func() { s.accept(ctx) })
	return s, nil
}

func (s *streams) follow(rule *svcproxy.Rule) { s.choose.follow(rule) }

func (s *streams) close() { s.listener.Close() }

// accept takes connections until the port is closed.
func (s *streams) accept(ctx context.Context) {
	for {
		c, err := s.listener.Accept()
		switch {
		case err == nil:
			s.proxy.relays.Go(func() { s.relay(ctx, c) })
		case errors.Is(err, net.ErrClosed):
			return
		default:
			s.proxy.log.Warn("A connection to a service cannot be accepted", "address", s.listener.Addr(), "error", err)
			select {
			case <-time.After(acceptPause):
			case <-ctx.Done():
				return
			}
		}
	}
}

// relay joins a client to an endpoint. If there is none to be reached, the
// client's connection is reset: it looks like one that was refused.
func (s *streams) relay(ctx context.Context, client net.Conn) {
	m := s.proxy.meters
	backend, err := s.dial(ctx, client)
	if err != nil {
		m.refused.Inc()
		s.proxy.log.Debug("A connection to a service is refused", "client", client.RemoteAddr(), "error", err)
		conn.Reset(client)
		return
	}
	m.relayed.Inc()
	m.streams.Inc()
	defer m.streams.Dec()
	var sent, received conn.Counter
	if err := conn.Relay(ctx, client, backend, &sent, &received); err != nil {
		s.proxy.log.Debug("A connection to a service broke", "client", client.RemoteAddr(), "endpoint", backend.RemoteAddr(), "error", err)
	}
	m.bytes.WithLabelValues("sent").Add(float64(received.Load()))
	m.bytes.WithLabelValues("received").Add(float64(sent.Load()))
}

// dial connects to an endpoint, and to another one if that fails.
func (s *streams) dial(ctx context.Context, client net.Conn) (net.Conn, error) {
	from := conn.AddrPort(client.RemoteAddr()).Addr()
	var tried []netip.AddrPort
	var failures error
	for {
		e, ok := s.choose.pick(from, tried, time.Now())
		if !ok {
			return nil, fmt.Errorf("no endpoint can be reached: %w", failures)
		}
		c, err := s.dialOne(ctx, e, len(tried)+1 < s.choose.len())
		if err == nil {
			return c, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		s.proxy.meters.failed.Inc()
		s.choose.failed(e, time.Now())
		tried, failures = append(tried, e), errors.Join(failures, err)
	}
}

func (s *streams) dialOne(ctx context.Context, e netip.AddrPort, others bool) (net.Conn, error) {
	limit := dialLast
	if others {
		limit = dialNext
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return s.proxy.dial(ctx, "tcp", e)
}
