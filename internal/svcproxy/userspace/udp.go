package userspace

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/causeway-access/causeway/internal/svcproxy"
)

// mostFlows bounds the clients of one port: each is a socket.
const mostFlows = 8192

// packets is a port of UDP.
type packets struct {
	proxy  *Proxy
	front  *socket
	choose *chooser

	mu     sync.Mutex
	closed bool
	flows  map[pair]*flow
}

// pair is who speaks, and to which of the node's addresses; none where there is
// but one.
type pair struct {
	client netip.AddrPort
	local  netip.Addr
}

func (p *Proxy) openPackets(ctx context.Context, rule *svcproxy.Rule, by ears) (port, error) {
	c, err := by.packets(ctx, rule.Key.Addr)
	if err != nil {
		return nil, err
	}
	front, err := newSocket(c)
	if err == nil && rule.Key.OfNode() {
		err = front.tellLocal()
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	s := &packets{proxy: p, front: front, choose: newChooser(rule), flows: map[pair]*flow{}}
	p.relays.Go(func() { s.run(ctx) })
	return s, nil
}

// follow ends the flows to endpoints that are gone: the client's next packet
// goes elsewhere.
func (s *packets) follow(rule *svcproxy.Rule) {
	s.choose.follow(rule)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.flows {
		if !has(rule, f.to) {
			s.end(f)
		}
	}
}

func (s *packets) close() {
	s.front.close()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, f := range s.flows {
		s.end(f)
	}
}

// end is called with the lock held.
func (s *packets) end(f *flow) {
	f.back.close()
	delete(s.flows, f.between)
}

// run passes packets on until the port is closed.
func (s *packets) run(ctx context.Context) {
	for {
		err := s.front.read(func(b *batch, n int) { s.pass(ctx, b, n) })
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			s.proxy.log.Debug("Packets to a service cannot be read", "address", s.front.LocalAddr(), "error", err)
			select {
			case <-time.After(acceptPause):
			case <-ctx.Done():
				return
			}
		}
	}
}

// pass gives packets to their flows, those of one client that stand beside each
// other together.
func (s *packets) pass(ctx context.Context, b *batch, n int) {
	for first := 0; first < n; {
		between := s.front.pair(&b.in[first])
		last := first + 1
		for last < n && s.front.pair(&b.in[last]) == between {
			last++
		}
		if f := s.flow(ctx, between); f != nil {
			f.send(b, first, last)
		}
		first = last
	}
}

// flow returns a client's; nil if it has none and no endpoint can be reached:
// its packets are lost.
func (s *packets) flow(ctx context.Context, between pair) *flow {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.flows[between]; f != nil {
		return f
	}
	if s.closed {
		return nil
	}
	f, err := s.begin(ctx, between)
	if err != nil {
		s.proxy.meters.refused.Inc()
		s.proxy.log.Debug("Packets to a service are dropped", "client", between.client, "error", err)
		return nil
	}
	if len(s.flows) >= mostFlows {
		s.makeRoom()
	}
	s.flows[between] = f
	s.proxy.meters.relayed.Inc()
	s.proxy.relays.Go(func() { f.run(ctx) })
	return f
}

// begin makes a flow to an endpoint. The lock is held meanwhile, so that none
// is made to an endpoint that is gone.
func (s *packets) begin(ctx context.Context, between pair) (*flow, error) {
	var tried []netip.AddrPort
	var failures error
	for {
		e, ok := s.choose.pick(between.client.Addr(), tried, time.Now())
		if !ok {
			return nil, fmt.Errorf("no endpoint can be reached: %w", failures)
		}
		c, err := s.proxy.dial(ctx, "udp", e)
		if err == nil {
			back, err := newSocket(c)
			if err != nil {
				c.Close()
				return nil, err
			}
			return newFlow(s, between, e, back), nil
		}
		s.proxy.meters.failed.Inc()
		s.choose.failed(e, time.Now())
		tried, failures = append(tried, e), errors.Join(failures, err)
	}
}

// makeRoom ends the flow that has been silent for longest, of a few: which one
// exactly is not worth a look at all.
func (s *packets) makeRoom() {
	const few = 16
	var oldest *flow
	looked := 0
	for _, f := range s.flows {
		if oldest == nil || f.used.Load() < oldest.used.Load() {
			oldest = f
		}
		if looked++; looked == few {
			break
		}
	}
	s.end(oldest)
}

// forget removes a flow that has ended.
func (s *packets) forget(f *flow) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.flows[f.between] == f {
		delete(s.flows, f.between)
	}
}
