package conn

import (
	"context"
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// hangupStep is the pause between two looks.
const hangupStep = time.Second

// awaitHangup calls broken when the other side has closed a connection. Who
// reads it is told of that only after all that came before; a program that does
// not take its input would keep it from him for ever.
func awaitHangup(ctx context.Context, c net.Conn, broken func()) {
	if outer, ok := c.(interface{ NetConn() net.Conn }); ok { // TLS
		c = outer.NetConn()
	}
	inner, ok := c.(syscall.Conn)
	if !ok {
		return
	}
	raw, err := inner.SyscallConn()
	if err != nil {
		return
	}
	ticker := time.NewTicker(hangupStep)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		gone := false
		err := raw.Control(func(fd uintptr) {
			events := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}}
			n, err := unix.Poll(events, 0)
			gone = err == nil && n > 0
		})
		if err != nil || gone {
			broken()
			return
		}
	}
}
