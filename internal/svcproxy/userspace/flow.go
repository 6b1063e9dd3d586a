package userspace

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// A flow that is but a question is ended after unanswered, one that is a
	// question and its answer after exchange: most are names that are asked for,
	// each from another port.
	unanswered = 30 * time.Second
	exchange   = 10 * time.Second
	// questions is how many packets may be one.
	questions = 2
)

// flow is the packets of one client to one endpoint, and back.
type flow struct {
	of      *packets
	between pair
	reply   peer // the client
	to      netip.AddrPort
	back    *socket
	begun   time.Time

	used     atomic.Int64 // since begun
	sent     atomic.Int64 // packets to the endpoint
	received atomic.Int64
}

func newFlow(of *packets, between pair, to netip.AddrPort, back *socket) *flow {
	return &flow{of: of, between: between, reply: between.peer(), to: to, back: back, begun: time.Now()}
}

// send passes some of a batch on to the endpoint. What it does not take is
// lost, as packets may be.
func (f *flow) send(b *batch, first, last int) {
	f.touch(&f.sent, last-first)
	if err := f.back.write(b.copies(first, last, peer{})); errors.Is(err, syscall.ECONNREFUSED) {
		f.refused()
	}
}

// touch tells that packets were passed on.
func (f *flow) touch(count *atomic.Int64, n int) {
	count.Add(int64(n))
	f.used.Store(int64(time.Since(f.begun)))
}

// run passes packets back until none have come for long enough.
func (f *flow) run(ctx context.Context) {
	m := f.of.proxy.meters
	m.flows.Inc()
	defer m.flows.Dec()
	defer f.back.close()
	defer f.of.forget(f)
	defer context.AfterFunc(ctx, f.back.close)()
	for {
		end := f.begun.Add(time.Duration(f.used.Load()) + f.patience())
		if !time.Now().Before(end) || f.back.SetReadDeadline(end) != nil {
			return
		}
		err := f.back.read(func(b *batch, n int) {
			f.touch(&f.received, n)
			_ = f.of.front.write(b.copies(0, n, f.reply)) // lost, as packets may be
		})
		switch {
		case err == nil, errors.Is(err, os.ErrDeadlineExceeded): // it may have been used meanwhile
		case errors.Is(err, syscall.ECONNREFUSED):
			f.refused()
			return
		default:
			return
		}
	}
}

// patience is how long nothing may come.
func (f *flow) patience() time.Duration {
	switch {
	case f.sent.Load() > questions:
		return f.of.proxy.cfg.Idle
	case f.received.Load() == 0:
		return min(unanswered, f.of.proxy.cfg.Idle)
	}
	return min(exchange, f.of.proxy.cfg.Idle)
}

// refused ends a flow to an endpoint at which nothing listens: the client's
// next packet goes elsewhere.
func (f *flow) refused() {
	f.of.proxy.meters.failed.Inc()
	f.of.choose.failed(f.to, time.Now())
	f.of.forget(f)
	f.back.close()
}
