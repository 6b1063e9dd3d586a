package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// roundTrip makes an exchange over HTTP/1.1 on the caller's goroutine, or over
// HTTP/2 if the backend turns out to speak that.
func (p *pool) roundTrip(ctx context.Context, r *Request, into *Response) error {
	s := newScratch()
	head, err := r.appendHead(s.buf[:0])
	if err != nil {
		s.free()
		return &InvalidError{err}
	}
	for {
		c, http2, err := p.connect(ctx, r)
		if c == nil {
			s.free()
			if err != nil {
				return err
			}
			return http2.roundTrip(ctx, r, into)
		}
		c.s, c.buf, c.keep = s, s.buf, int64(idleTime/tick)
		err = c.link.exchange(c, head, r.Length != 0)
		if err == errStale && c.reused { //nolint:errorlint // a link's very value
			// Nothing was sent, so this is no second attempt.
			c.s, c.buf = nil, nil
			p.release(c, false)
			continue
		}
		if err == nil {
			return into.begin(ctx, c, r)
		}
		err = c.lost(ctx, err)
		p.release(c, false)
		return err
	}
}

// connect returns a connection for the exchange: an idle one, or a new one. It
// returns the client for HTTP/2 instead if that is agreed on.
func (p *pool) connect(ctx context.Context, r *Request) (*wire, *h2, error) {
	alpn := protocols
	if r.Upgrade {
		alpn = alpn[1:]
	} else if c := p.reuse(ctx, r); c != nil {
		return c, nil, nil
	}
	nc, err := p.dial(ctx, alpn)
	if err != nil {
		return nil, nil, err
	}
	if speaksH2(nc) {
		return nil, p.speak(nc), nil
	}
	return p.add(ctx, nc, r), nil, nil
}

// begin makes the response of what comes on the connection, on which the
// request's head was written.
func (r *Response) begin(ctx context.Context, c *wire, req *Request) error {
	u := newUpload(c, req)
	h, err := c.head(ctx, req, u)
	if err != nil {
		u.settle(false)
		c.pool.release(c, false)
		return err
	}
	if h.keepFor > 0 { // one second before the backend closes it
		c.keep = min(c.keep, (h.keepFor-1)*ticksPerSecond)
	}
	*r = Response{
		Status: h.status, Length: h.length, Trailer: h.trailer,
		fields: h.fields, c: c, upload: u, kind: h.body, closing: h.closing || req.Upgrade,
	}
	switch h.body {
	case bodyNone:
		if req.Method != http.MethodHead {
			r.Length = 0
		}
	case bodyLength:
		r.left = h.length
	}
	return nil
}

// head reads the head of the final response, and passes those before it on.
func (c *wire) head(ctx context.Context, req *Request, u *upload) (head, error) {
	spent := 0
	for {
		text, err := c.headText(ctx, maxHead-spent)
		if err != nil {
			return head{}, err
		}
		spent += len(text)
		h, err := parseHead(text, req.Method, c.s.fields[:0])
		c.s.fields = h.fields
		switch {
		case err != nil:
			return h, &BadError{err}
		case h.status == http.StatusSwitchingProtocols && !req.Upgrade:
			return h, &BadError{errors.New("malformed response: it switches protocols, unasked")}
		case h.status >= 200, h.status == http.StatusSwitchingProtocols:
			return h, nil
		case h.status == http.StatusContinue:
			u.permit()
		}
		if req.Early != nil {
			early := make(http.Header, len(h.fields))
			addFields(early, h.fields, "")
			req.Early.Inform(h.status, early)
		}
	}
}

// headText reads one head of at most limit bytes.
func (c *wire) headText(ctx context.Context, limit int) (string, error) {
	for from := 0; ; {
		if c.w > c.r && c.state.Load() != answered && !c.state.CompareAndSwap(waiting, answered) {
			return "", c.lost(ctx, errFrozen)
		}
		end, next, err := headEnd(c.buf[c.r:c.w], from)
		switch {
		case err != nil:
			return "", &BadError{err}
		case end > limit, next > limit, c.w-c.r > limit && end == 0:
			return "", &BadError{errTooLong}
		case end > 0:
			text := string(c.buf[c.r : c.r+end])
			c.r += end
			return text, nil
		}
		from = next
		if err := c.fill(); err != nil {
			return "", c.headless(ctx, err)
		}
	}
}

// headless says why a head did not come, or not to its end.
func (c *wire) headless(ctx context.Context, err error) error {
	switch {
	case c.state.Load() != answered:
		return c.lost(ctx, err)
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, io.EOF):
		err = io.ErrUnexpectedEOF
	}
	return &BadError{fmt.Errorf("reading the head of the response: %w", err)}
}
