package gateway

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/streaming/pkg/httpstream"

	"github.com/causeway-access/causeway/internal/fault"
)

const (
	// pairTime is how long a stream waits for its other half.
	pairTime = 30 * time.Second
	// maxPairs is how many connections one client may have inside one.
	maxPairs = 1024
)

// streams are the streams of one SPDY connection. Each connection that the
// client forwards is a pair of them under one request ID: one for data, one on
// which the server says what went wrong.
type streams struct {
	*forwarding
	ctx    context.Context // ends with the connection
	cancel context.CancelFunc
	ready  chan struct{} // closed when conn is set
	conn   httpstream.Connection

	running sync.WaitGroup

	mu    sync.Mutex
	over  bool
	count int              // pairs, whole or not
	half  map[string]*pair // those that are not whole, by request ID
}

// pair is one forwarded connection.
type pair struct {
	port      string
	data, err httpstream.Stream
	replied   []<-chan struct{}
	timer     *time.Timer // while it is not whole
}

func newStreams(f *forwarding) *streams {
	s := &streams{forwarding: f, ready: make(chan struct{}), half: make(map[string]*pair)}
	s.ctx, s.cancel = context.WithCancel(f.g.base)
	return s
}

// run returns when the connection has ended and nothing is left of it. Conn is
// nil if there was none after all.
func (s *streams) run(conn httpstream.Connection, raw net.Conn) {
	if conn != nil {
		s.conn = conn
		close(s.ready)
		select {
		case <-conn.CloseChan():
		case <-s.ctx.Done():
		}
	}
	s.end()
	s.breakOff()
	s.cancel()
	if raw != nil {
		raw.Close() // before conn, which would wait to tell the client
	}
	if conn != nil {
		conn.Close()
	}
	s.running.Wait()
}

// end lets no more streams begin.
func (s *streams) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	for _, p := range s.half {
		p.timer.Stop()
	}
}

// add takes a stream that the client has opened. It must not wait: other
// streams' frames do then. An error resets the stream.
func (s *streams) add(stream httpstream.Stream, replied <-chan struct{}) error {
	h := stream.Headers()
	id, port := h.Get(corev1.PortForwardRequestIDHeader), h.Get(corev1.PortHeader)
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return fmt.Errorf("forwarding a port: %q is no port number", port)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p, known := s.half[id]
	switch {
	case s.over:
		return errors.New("forwarding a port: the connection is over")
	case !known && s.count >= maxPairs:
		return fmt.Errorf("forwarding a port: there are %d connections inside this one already", maxPairs)
	case !known:
		p = &pair{port: port}
	}
	switch kind := h.Get(corev1.StreamType); {
	case kind == corev1.StreamTypeError && p.err == nil:
		p.err = stream
	case kind == corev1.StreamTypeData && p.data == nil:
		p.data, p.port = stream, port
	default:
		return fmt.Errorf("forwarding a port: a stream of type %q is not expected for request %q", kind, id)
	}
	p.replied = append(p.replied, replied)
	if !known {
		s.count++
		s.half[id] = p
		p.timer = time.AfterFunc(pairTime, func() { s.giveUp(id, p) })
		return nil
	}
	p.timer.Stop()
	delete(s.half, id)
	s.running.Go(func() { s.forward(p) })
	return nil
}

// giveUp drops a pair whose other half did not come.
func (s *streams) giveUp(id string, p *pair) {
	s.mu.Lock()
	if s.half[id] != p {
		s.mu.Unlock()
		return
	}
	delete(s.half, id)
	s.mu.Unlock()
	s.drop(p)
}

// drop forgets a pair that is over.
func (s *streams) drop(p *pair) {
	<-s.ready
	for _, stream := range []httpstream.Stream{p.data, p.err} {
		if stream != nil {
			_ = stream.Reset() // nothing is left to be said on it, and the client may be gone
			s.conn.RemoveStreams(stream)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count--
}

// forward dials for a pair and copies both ways.
func (s *streams) forward(p *pair) {
	for _, replied := range p.replied {
		<-replied // before it the library would not find the stream to drop
	}
	defer s.drop(p)
	<-s.ready
	told := newReports(p)
	c, err := s.dial(s.ctx, p.port)
	if err != nil {
		told.refused(fmt.Sprintf("error forwarding port %s to %s %q: %s", p.port, singular(s.target.Resource), s.target.Name, fault.Status(err).Message))
		return
	}
	told.connected(c.lease.Endpoint.String())
	stream := &forwardStream{Stream: p.data, told: told, gone: s.conn.CloseChan(), giveUp: c.breakOff}
	s.relay(s.ctx, stream, c)
	stream.over()
	told.done()
}
