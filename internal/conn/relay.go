package conn

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
)

// relayBuffer is the size of one direction's buffer, where the kernel does not
// splice.
const relayBuffer = 32 << 10

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
	buf := make([]byte, relayBuffer)
	for {
		n, err := src.Read(buf)
		if n > 0 {
			if _, werr := dst.Write(buf[:n]); werr != nil {
				abort()
				return unlessClosed(werr)
			}
			count.Add(int64(n))
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
