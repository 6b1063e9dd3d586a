package conn

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
)

const (
	// idleBuffer is what one direction holds while nothing comes; most upgraded
	// connections are idle most of the time.
	idleBuffer = 2 << 10
	// busyBuffer is what it has while more comes than fits into that.
	busyBuffer = 32 << 10
)

var busyBuffers = sync.Pool{New: func() any { b := make([]byte, busyBuffer); return &b }}

// buffer is one direction's memory: small until a read fills it, large until
// one does not even fill the small one.
type buffer struct {
	small [idleBuffer]byte
	large *[]byte
}

func (b *buffer) space() []byte {
	if b.large != nil {
		return *b.large
	}
	return b.small[:]
}

// read tells the buffer that n bytes came, which were used.
func (b *buffer) read(n int) {
	switch {
	case b.large == nil && n == idleBuffer:
		b.large = busyBuffers.Get().(*[]byte)
	case b.large != nil && n < idleBuffer:
		b.free()
	}
}

func (b *buffer) free() {
	if b.large != nil {
		busyBuffers.Put(b.large)
		b.large = nil
	}
}

// Relay copies bytes both ways between two connections until both directions
// have ended, and closes both. The end of one direction is passed on as a half
// close, so that the other can finish. An error, or the end of ctx, ends both.
//
// Sent counts the bytes from a to b, received those from b to a; both may be
// read while Relay runs if they are given. The error is the first that was not
// a plain end.
func Relay(ctx context.Context, a, b net.Conn, sent, received *Counter) error {
	closeBoth := sync.OnceFunc(func() {
		a.Close()
		b.Close()
	})
	defer closeBoth()
	stop := context.AfterFunc(ctx, closeBoth)
	defer stop()

	back := make(chan error, 1)
	go func() { back <- oneWay(a, b, received, closeBoth) }()
	err := oneWay(b, a, sent, closeBoth)
	return errors.Join(err, <-back)
}

// oneWay copies src to dst and passes its end on.
func oneWay(dst, src net.Conn, count *Counter, abort func()) error {
	var buf buffer
	defer buf.free()
	for {
		space := buf.space()
		n, err := src.Read(space)
		if n > 0 {
			if _, werr := dst.Write(space[:n]); werr != nil {
				abort()
				return unlessClosed(werr)
			}
			count.Add(int64(n))
			buf.read(n)
		}
		if err == nil && n == busyBuffer {
			if err = passBulk(dst, src, count); err != nil {
				abort()
				return unlessClosed(err)
			}
		}
		if err == nil {
			continue
		}
		half, ok := dst.(HalfCloser)
		if err != io.EOF || !ok || half.CloseWrite() != nil {
			abort()
		}
		return unlessClosed(err)
	}
}

// unlessClosed drops the errors that only say that a connection has ended.
func unlessClosed(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
