package transport

import (
	"context"
	"io"
	"net"
	"net/http"

	"github.com/causeway-access/causeway/internal/conn"
)

// Response is the head of a response and the way to its body. Its zero value
// is for RoundTrip to fill. It is not for use by several goroutines.
type Response struct {
	Status int
	// Length is that of the body, or what it would be for a HEAD; -1 if only its
	// end will tell.
	Length int64
	// Trailer has a key for each announced trailer field, and the values after
	// the body's end. Nil if there are none.
	Trailer http.Header

	fields []Field // in the connection's scratch
	header http.Header

	// By HTTP/1.1: c is nil after the end, which is then err.
	c       *wire
	upload  *upload
	kind    int
	left    int64 // bytes of the body, or of the chunk
	inChunk bool  // the CRLF after the chunk is still to come
	closing bool
	err     error

	// By net/http.
	other  *http.Response
	cancel context.CancelCauseFunc
}

// foreign makes a response of net/http's.
func (r *Response) foreign(resp *http.Response, cancel context.CancelCauseFunc) {
	*r = Response{
		Status: resp.StatusCode, Length: resp.ContentLength, Trailer: resp.Trailer,
		header: resp.Header, other: resp, cancel: cancel,
	}
}

// CopyHeader sets the response's fields in h, in place of those of the same
// name. Content-Length is one of them; Transfer-Encoding, Trailer, Keep-Alive
// and a Connection that names no other field are not. A field of the name ours
// is left out, so that h keeps its own. It is to be called before the body is
// read or closed.
func (r *Response) CopyHeader(h http.Header, ours string) {
	for name, values := range r.header {
		if name != ours {
			h[name] = values
		}
	}
	for name := range h { // few, as a rule
		for i := range r.fields {
			if name != ours && r.fields[i].Name == name {
				delete(h, name)
				break
			}
		}
	}
	addFields(h, r.fields, ours)
}

// addFields adds fields to h, but those of the name ours. The values share one
// array. A map of eight is not touched once more than it must be: it would take
// even a value for a key that it has as a reason to grow.
func addFields(h http.Header, fields []Field, ours string) {
	values := make([]string, len(fields))
	for i, f := range fields {
		if f.Name == ours {
			continue
		}
		values[i] = f.Value
		if before, ok := h[f.Name]; ok {
			h[f.Name] = append(before, f.Value)
		} else {
			h[f.Name] = values[i : i+1 : i+1]
		}
	}
}

// Take gives the connection of a 101 to the caller, who is to close it, with
// what was read ahead. No context ends it any more.
func (r *Response) Take() (net.Conn, error) {
	c := r.c
	r.c, r.err = nil, io.EOF
	r.upload.settle(false)
	ahead := append([]byte(nil), c.buf[c.r:c.w]...)
	c.free()
	if !c.pool.take(c) {
		c.net.Close()
		return nil, errClosed
	}
	return conn.WithAhead(c.net, ahead), nil
}

// finish ends the exchange. The connection serves another if the message was
// complete and nothing is left on it.
func (r *Response) finish(complete bool) {
	c := r.c
	if c == nil {
		return
	}
	r.c, r.fields = nil, nil
	if r.err == nil {
		if r.err = errClosed; complete {
			r.err = io.EOF
		}
	}
	good := complete && !r.closing && c.r == c.w
	if r.upload == nil {
		c.pool.release(c, good)
		return
	}
	c.free()
	if ours, reusable := r.upload.settle(good); ours {
		c.pool.release(c, reusable)
	}
}

// Close ends the exchange. What is left of the body is not read; the
// connection is closed then.
func (r *Response) Close() error {
	if r.other != nil {
		err := r.other.Body.Close()
		r.cancel(nil)
		return err
	}
	r.finish(r.kind == bodyNone || r.kind == bodyLength && r.left == 0)
	return nil
}

// Get returns the first value of a field, by its canonical name.
func (r *Response) Get(name string) string {
	for i := range r.fields {
		if r.fields[i].Name == name {
			return r.fields[i].Value
		}
	}
	return r.header.Get(name)
}
