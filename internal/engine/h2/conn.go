package h2

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"time"

	"golang.org/x/net/http2"
)

// conn is one connection. Its reader, the goroutine of serve, has what stands
// above mu to itself.
type conn struct {
	srv    *Server
	nc     net.Conn
	ctx    context.Context
	tls    *tls.ConnectionState
	remote string
	over   chan struct{} // closed at the end

	in    reader
	block block
	names names
	idle  idleness // frames without effect
	ready bool     // the client's first SETTINGS have come

	mu      sync.Mutex
	streams map[uint32]*stream // those that are not closed
	last    uint32             // the highest stream that was begun
	broken  []uint32           // the latest that this side has reset, while the client may still send on them
	next    int                // where in broken the next is put
	running int                // handlers
	queue   []*stream          // streams whose handlers wait for others to end
	faults  int                // streams reset for the client's faults, less requests served
	err     error              // why the connection is over; nil while it is not
	goaway  goaway
	quiet   time.Time // since when no stream is open
	timer   *time.Timer

	flow
	writer
}

// past ends whatever waits for a connection.
var past = time.Unix(1, 0)

var (
	errClosed = errors.New("the client has closed the connection")
	errPings  = errors.New("the client causes more answers than it reads")
	// errStalled ends a connection that takes nothing.
	errStalled = errors.New("the client does not read")
)

// keepBroken is how many streams that were reset are remembered.
const keepBroken = 256

func newConn(ctx context.Context, s *Server, nc net.Conn, state *tls.ConnectionState) *conn {
	c := &conn{
		srv: s, nc: nc, ctx: ctx, tls: state, remote: nc.RemoteAddr().String(), over: make(chan struct{}),
		in: reader{src: nc, buf: make([]byte, readSize)}, streams: map[uint32]*stream{},
		flow: newFlow(&s.cfg),
	}
	c.block.init(&s.cfg)
	c.writer.init(c)
	c.greet() // is the first to be written, whatever comes
	return c
}

// serve reads frames until the connection is over.
func (c *conn) serve() {
	defer close(c.over)
	defer c.nc.Close()
	stop := context.AfterFunc(c.ctx, func() { c.fail(context.Cause(c.ctx)) })
	defer stop()
	c.mu.Lock()
	c.flush(false)
	c.mu.Unlock()
	err := c.preface()
	for err == nil {
		if err = c.frame(); err != nil {
			err = c.survive(err)
		}
	}
	c.part(err)
	c.fail(err)
}

// survive returns nil if the connection goes on after an error: if only a
// stream was at fault.
func (c *conn) survive(err error) error {
	var fault http2.StreamError
	if errors.As(err, &fault) {
		return c.reproach(fault)
	}
	return err
}

// greet says how this side wants to be spoken to.
func (c *conn) greet() {
	cfg := &c.srv.cfg
	settings := []http2.Setting{
		{ID: http2.SettingMaxConcurrentStreams, Val: uint32(cfg.MaxStreams)},
		{ID: http2.SettingMaxHeaderListSize, Val: uint32(c.block.most)},
		{ID: http2.SettingInitialWindowSize, Val: uint32(cfg.StreamBuffer)},
		{ID: http2.SettingID(settingNoPriorities), Val: 1},
	}
	if cfg.ExtendedConnect {
		settings = append(settings, http2.Setting{ID: http2.SettingEnableConnectProtocol, Val: 1})
	}
	c.out = appendSettings(c.out, settings...)
	if more := cfg.ConnBuffer - initialWindow; more > 0 {
		c.out = appendWindow(c.out, 0, more)
	}
}

// settingNoPriorities is SETTINGS_NO_RFC7540_PRIORITIES (RFC 9218, section 2.1).
const settingNoPriorities = 9

// preface reads what a client begins with (RFC 9113, section 3.4).
func (c *conn) preface() error {
	if err := c.nc.SetReadDeadline(time.Now().Add(c.srv.cfg.PrefaceTimeout)); err != nil {
		return err
	}
	got, err := c.in.payload(len(http2.ClientPreface))
	if err != nil {
		return err
	}
	if string(got) != http2.ClientPreface {
		return http2.ConnectionError(http2.ErrCodeProtocol)
	}
	return nil
}

// settled is called when the client's first SETTINGS have come.
func (c *conn) settled() error {
	c.ready = true
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil || c.goaway.final {
		return nil // the reader is to end
	}
	if c.srv.cfg.IdleTimeout > 0 {
		c.quiet = time.Now()
		c.timer = time.AfterFunc(c.srv.cfg.IdleTimeout, c.tick)
	}
	return c.nc.SetReadDeadline(time.Time{})
}

// tick ends the connection if it was idle for long enough, and otherwise looks
// again when it may have been. So requests need not touch the timer.
func (c *conn) tick() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return
	}
	left := c.srv.cfg.IdleTimeout
	if len(c.streams) == 0 {
		left -= time.Since(c.quiet)
	}
	if left <= 0 {
		c.sayGoAway()
		return
	}
	c.timer.Reset(left)
}

// fail ends the connection: all its streams, and its reader.
func (c *conn) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failed(err)
}

// failed is fail. c.mu is held.
func (c *conn) failed(err error) {
	if c.err != nil {
		return
	}
	if err == nil {
		err = errClosed
	}
	c.err = err
	for _, st := range c.streams {
		c.close(st, err)
	}
	c.queue = nil
	c.room.Broadcast()
	for _, t := range [...]*time.Timer{c.timer, c.stalled, c.goaway.timer} {
		if t != nil {
			t.Stop()
		}
	}
	_ = c.nc.SetDeadline(past) // does not wait; the reader closes
}
