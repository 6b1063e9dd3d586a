package h2

import (
	"golang.org/x/net/http2"
)

// headers takes a HEADERS or CONTINUATION frame.
func (c *conn) headers(h frameHead) error {
	b := &c.block
	if h.kind == http2.FrameContinuation {
		if h.stream != b.stream {
			return http2.ConnectionError(http2.ErrCodeProtocol)
		}
	} else if h.stream%2 == 0 {
		return http2.ConnectionError(http2.ErrCodeProtocol)
	} else {
		b.begin(h.stream, h.flags.Has(http2.FlagHeadersEndStream))
	}
	p, err := c.in.payload(h.length)
	if err != nil {
		return err
	}
	if h.kind == http2.FrameHeaders {
		if p, err = unpad(p, h.flags.Has(http2.FlagHeadersPadded)); err != nil {
			return err
		}
		if h.flags.Has(http2.FlagHeadersPriority) { // which is not used (RFC 9113, section 5.3)
			if len(p) < 5 {
				return http2.ConnectionError(http2.ErrCodeFrameSize)
			}
			p = p[5:]
		}
	}
	if err := b.write(p, h.flags.Has(http2.FlagHeadersEndHeaders)); err != nil || b.open {
		return err
	}
	return c.begun(b)
}

// unpad takes the padding off (RFC 9113, section 6.1).
func unpad(p []byte, padded bool) ([]byte, error) {
	if !padded {
		return p, nil
	}
	if len(p) == 0 {
		return nil, http2.ConnectionError(http2.ErrCodeFrameSize)
	}
	if int(p[0]) >= len(p) {
		return nil, http2.ConnectionError(http2.ErrCodeProtocol)
	}
	return p[1 : len(p)-int(p[0])], nil
}

// begun gives a whole header block to its stream, which it mostly begins.
func (c *conn) begun(b *block) error {
	c.mu.Lock()
	st, fresh, away := c.streams[b.stream], b.stream > c.last, c.goaway.final
	if fresh && !away {
		c.last = b.stream
	}
	open := len(c.streams)
	known := !fresh && st == nil && c.wasBroken(b.stream)
	c.mu.Unlock()
	switch {
	case st != nil:
		return c.trailer(st, b)
	case fresh && away: // it was told that this is not served
		return c.idle.count()
	case fresh && open >= c.srv.cfg.MaxStreams:
		return http2.StreamError{StreamID: b.stream, Code: http2.ErrCodeRefusedStream}
	case fresh:
		return c.open(b)
	case known: // the trailer of a stream that was reset meanwhile
		return c.idle.count()
	default:
		return http2.ConnectionError(http2.ErrCodeProtocol)
	}
}

// open begins a stream.
func (c *conn) open(b *block) error {
	st := newStream(c, b.stream)
	if err := c.request(b, st); err != nil {
		return http2.StreamError{StreamID: b.stream, Code: http2.ErrCodeProtocol, Cause: err}
	}
	c.idle.frames = 0
	c.mu.Lock()
	if c.err != nil {
		c.mu.Unlock()
		return c.err
	}
	st.window, st.recv, st.remoteEnded = c.initial, int64(c.srv.cfg.StreamBuffer), b.end
	c.streams[st.id] = st
	if c.running >= c.srv.cfg.MaxStreams {
		defer c.mu.Unlock()
		return c.enqueue(st)
	}
	c.running++
	c.mu.Unlock()
	c.srv.workers.start(st)
	return nil
}

// enqueue has a stream wait: streams have ended whose handlers have not. c.mu
// is held. Who begins ever more of them is cut off.
func (c *conn) enqueue(st *stream) error {
	if len(c.queue) >= 4*c.srv.cfg.MaxStreams {
		return http2.ConnectionError(http2.ErrCodeEnhanceYourCalm)
	}
	c.queue = append(c.queue, st)
	return nil
}

// trailer takes the block that ends a request's body.
func (c *conn) trailer(st *stream, b *block) error {
	c.mu.Lock()
	ended := st.remoteEnded
	c.mu.Unlock()
	if ended {
		return http2.StreamError{StreamID: st.id, Code: http2.ErrCodeStreamClosed}
	}
	if err := b.checkTrailer(); err != nil || !b.end {
		return http2.StreamError{StreamID: st.id, Code: http2.ErrCodeProtocol, Cause: err}
	}
	for _, f := range b.fields {
		st.body.addTrailer(c.names.canonical(f.Name), f.Value)
	}
	return c.remoteEnd(st)
}

// data takes a DATA frame. Its payload goes from the connection to the body.
func (c *conn) data(h frameHead) error {
	pad, skip := 0, 0
	if h.flags.Has(http2.FlagDataPadded) {
		if h.length == 0 {
			return http2.ConnectionError(http2.ErrCodeFrameSize)
		}
		p, err := c.in.payload(1)
		if err != nil {
			return err
		}
		if pad, skip = int(p[0]), 1; pad >= h.length {
			return http2.ConnectionError(http2.ErrCodeProtocol)
		}
	}
	n := h.length - pad - skip
	if n > 0 {
		c.idle.frames = 0
	} else if err := c.idle.count(); err != nil {
		return err
	}
	st, fault := c.admit(h, n)
	if st == nil {
		if err := c.in.discard(n + pad); err != nil {
			return err
		}
		c.credit(nil, h.length)
		return fault
	}
	if err := st.body.fill(&c.in, n); err != nil {
		return err
	}
	if err := c.in.discard(pad); err != nil {
		return err
	}
	c.credit(st, pad+skip)
	if h.flags.Has(http2.FlagDataEndStream) {
		return c.remoteEnd(st)
	}
	return nil
}

// admit returns the stream that takes n bytes of data, nil if none does.
func (c *conn) admit(h frameHead, n int) (*stream, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.unborn(h.stream) && !(c.goaway.final && h.stream%2 == 1) {
		return nil, http2.ConnectionError(http2.ErrCodeProtocol)
	}
	if int64(h.length) > c.recv {
		return nil, http2.ConnectionError(http2.ErrCodeFlowControl)
	}
	c.recv -= int64(h.length)
	st := c.streams[h.stream]
	switch {
	case st == nil && (c.wasBroken(h.stream) || h.stream > c.last):
		return nil, c.idle.count()
	case st == nil, st.remoteEnded:
		return nil, http2.StreamError{StreamID: h.stream, Code: http2.ErrCodeStreamClosed}
	case int64(h.length) > st.recv:
		return nil, http2.StreamError{StreamID: h.stream, Code: http2.ErrCodeFlowControl}
	case st.declared >= 0 && st.got+int64(n) > st.declared:
		return nil, http2.StreamError{StreamID: h.stream, Code: http2.ErrCodeProtocol}
	}
	st.recv -= int64(h.length)
	st.got += int64(n)
	return st, nil
}

// remoteEnd ends the client's side of a stream.
func (c *conn) remoteEnd(st *stream) error {
	c.mu.Lock()
	if st.declared >= 0 && st.got != st.declared && !st.closed {
		c.mu.Unlock()
		return http2.StreamError{StreamID: st.id, Code: http2.ErrCodeProtocol}
	}
	st.remoteEnded = true
	if st.answered {
		c.close(st, errOver)
	}
	c.mu.Unlock()
	st.body.end()
	return nil
}
