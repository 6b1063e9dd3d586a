package transport

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/http/httpguts"
)

// The states of an upload.
const (
	uploading int32 = iota
	ending          // it writes the last of the body
	uploaded
	failed
	abandoned // the exchange ended first, and the connection with it
	handed    // the exchange ended while the last was written: it releases the connection
)

var errShort = errors.New("the request's body ended before its length")

// upload writes a request's body while the exchange waits for the response,
// which may come before the body is read.
type upload struct {
	c       *wire
	body    io.Reader // and the rest of the request that is needed: the next
	length  int64     // attempt may have begun with it when this one still reads
	trailer http.Header

	begin func()
	timer *time.Timer // for a backend that does not say whether it wants the body
	state atomic.Int32
	good  bool // what the exchange thinks of the connection, set before handed
}

// newUpload returns the upload of a request's body, begun if nobody is to be
// asked before; nil if there is none.
func newUpload(c *wire, r *Request) *upload {
	if r.Length == 0 {
		return nil
	}
	u := &upload{c: c, body: r.Body, length: r.Length, trailer: r.Trailer}
	u.begin = sync.OnceFunc(func() { go u.run() })
	if r.expects() {
		u.timer = time.AfterFunc(expectTime, u.begin)
	} else {
		u.begin()
	}
	return u
}

// permit begins the upload: a 100 Continue has come.
func (u *upload) permit() {
	if u != nil {
		u.begin()
	}
}

// settle tells the upload that the exchange is over. It returns false if the
// upload will release the connection, which is good if the response left it so
// and the whole body was sent.
func (u *upload) settle(good bool) (ours, reusable bool) {
	if u == nil {
		return true, good
	}
	if u.timer != nil {
		u.timer.Stop()
	}
	u.good = good
	switch {
	case u.state.CompareAndSwap(uploading, abandoned):
		return true, false
	case good && u.state.CompareAndSwap(ending, handed):
		return false, true
	default:
		return true, good && u.state.Load() == uploaded
	}
}

func (u *upload) run() {
	if u.state.Load() != uploading {
		return
	}
	to := uploaded
	if err := u.send(); err != nil {
		to = failed
	}
	if u.state.Swap(to) == handed {
		u.c.pool.release(u.c, u.good && to == uploaded)
	}
}

// send writes the body. If it cannot be read, the connection ends with it: the
// backend must not take what it has for the whole.
func (u *upload) send() error {
	array := larges.Get().(*[]byte)
	defer larges.Put(array)
	const front, back = 18, 2 // room for a chunk's size and CRLF, and the CRLF after it
	buf := *array
	left := u.length
	for {
		room := buf[front : len(buf)-back]
		if left > 0 && int64(len(room)) > left {
			room = room[:left]
		}
		n, err := u.body.Read(room)
		if left > 0 {
			if left -= int64(n); left == 0 {
				err = io.EOF
			} else if err == io.EOF {
				err = errShort
			}
		}
		if err != nil && err != io.EOF {
			u.c.net.Close()
			return err
		}
		if err == io.EOF && !u.state.CompareAndSwap(uploading, ending) {
			return errClosed
		}
		out := buf[front : front+n]
		if u.length < 0 {
			out = u.chunk(buf, front, n, err == io.EOF)
		}
		if _, werr := u.c.net.Write(out); werr != nil || err == io.EOF {
			return werr
		}
	}
}

// chunk makes a chunk of the n bytes in buf from front on, with the end of the
// body if it is the last.
func (u *upload) chunk(buf []byte, front, n int, last bool) []byte {
	end := front + n
	if n > 0 {
		var digits [16]byte
		size := append(strconv.AppendInt(digits[:0], int64(n), 16), '\r', '\n')
		front -= copy(buf[front-len(size):], size)
		end += copy(buf[end:], "\r\n")
	}
	out := buf[front:end]
	if !last {
		return out
	}
	out = append(out, "0\r\n"...)
	for name, values := range u.trailer {
		if !mayTrail(name) {
			continue
		}
		for _, value := range values {
			if httpguts.ValidHeaderFieldValue(value) {
				out = append(append(append(append(out, name...), ": "...), value...), "\r\n"...)
			}
		}
	}
	return append(out, "\r\n"...)
}
