package echo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
)

// serveTCP echoes on each connection until ctx ends.
func serveTCP(ctx context.Context, l net.Listener) error {
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	var connections sync.WaitGroup
	defer connections.Wait()
	for {
		c, err := l.Accept()
		if err == nil {
			connections.Go(func() { echoConn(ctx, c) }) // closes it at once if ctx has ended
			continue
		}
		if ctx.Err() != nil {
			return nil
		}
		return fmt.Errorf("serve TCP on %s: %w", l.Addr(), err)
	}
}

// echoConn sends back what comes, then passes on the end of the stream.
func echoConn(ctx context.Context, c net.Conn) {
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	// A client that goes away in the middle is no event worth telling.
	_, _ = io.Copy(c, c)
}

// serveUDP sends each datagram back to where it came from until ctx ends.
func serveUDP(ctx context.Context, c net.PacketConn) error {
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	buf := make([]byte, 64<<10) // the largest datagram there is
	for {
		n, from, err := c.ReadFrom(buf)
		if ctx.Err() != nil {
			return nil
		}
		if errors.Is(err, net.ErrClosed) {
			return fmt.Errorf("serve UDP on %s: %w", c.LocalAddr(), err)
		}
		if err == nil { // else: an ICMP error of an earlier answer
			_, _ = c.WriteTo(buf[:n], from)
		}
	}
}
