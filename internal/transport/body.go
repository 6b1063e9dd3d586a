package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// Sink is where a body goes. Flush sends what was written.
type Sink interface {
	io.Writer
	Flush()
}

// errTruncated says that the backend ended the body early.
var errTruncated = fmt.Errorf("the backend closed the connection within the body: %w", io.ErrUnexpectedEOF)

// Read reads the body. After its end the trailer is complete.
func (r *Response) Read(p []byte) (int, error) {
	if r.other != nil {
		n, err := r.other.Body.Read(p)
		r.Trailer = r.other.Trailer
		return n, err
	}
	at, err := r.next(nil)
	if err != nil {
		return 0, err
	}
	n := copy(p, at)
	r.used(n)
	return n, nil
}

// CopyTo writes the body to dst, each piece when it has come, from the buffer
// into which it was read. If flush is set, dst is flushed before each wait for
// more. It returns which side failed.
func (r *Response) CopyTo(dst Sink, flush bool) (read, write error) {
	if r.other != nil {
		return r.copyOther(dst, flush)
	}
	var before func()
	if flush {
		before = dst.Flush
	}
	for {
		p, err := r.next(before)
		if err == io.EOF {
			return nil, nil
		}
		if err != nil {
			return err, nil
		}
		n, err := dst.Write(p)
		r.used(n)
		if err != nil {
			return nil, err
		}
	}
}

func (r *Response) copyOther(dst Sink, flush bool) (read, write error) {
	array := larges.Get().(*[]byte)
	defer larges.Put(array)
	for {
		n, err := r.Read(*array)
		if n > 0 {
			if _, werr := dst.Write((*array)[:n]); werr != nil {
				return nil, werr
			}
			if flush {
				dst.Flush()
			}
		}
		if err == io.EOF {
			return nil, nil
		}
		if err != nil {
			return err, nil
		}
	}
}

// next returns the part of the body that is in the buffer, after a wait if
// there is none; before is called before it waits. It returns io.EOF at the
// end, when the exchange is over.
func (r *Response) next(before func()) ([]byte, error) {
	if r.c == nil {
		return nil, r.err
	}
	if r.kind == bodyChunked && r.left == 0 {
		if err := r.nextChunk(before); err != nil {
			return nil, r.fail(err)
		}
	}
	if r.kind != bodyUntilClose && r.left == 0 {
		r.finish(true)
		return nil, r.err
	}
	c := r.c
	if c.r == c.w {
		if err := r.wait(before); err != nil {
			if err == io.EOF && r.kind == bodyUntilClose {
				r.finish(true)
				return nil, r.err
			}
			return nil, r.fail(err)
		}
	}
	p := c.buf[c.r:c.w]
	if r.kind != bodyUntilClose && int64(len(p)) > r.left {
		p = p[:r.left]
	}
	return p, nil
}

// used takes n bytes of what next has returned out of the buffer.
func (r *Response) used(n int) {
	r.c.r += n
	r.left -= int64(n)
}

// wait reads more into the buffer.
func (r *Response) wait(before func()) error {
	if before != nil {
		before()
	}
	return r.c.fill()
}

// fail ends the exchange by an error.
func (r *Response) fail(err error) error {
	ctx := r.c.context()
	switch {
	case ctx != nil && ctx.Err() != nil:
		err = context.Cause(ctx)
	case errors.Is(err, io.EOF):
		err = errTruncated
	}
	r.err = err
	r.finish(false)
	return err
}
