package outward

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/causeway-access/causeway/internal/conn"
)

const (
	// dialTimeout is how long the making of a connection may take.
	dialTimeout = 30 * time.Second
	// acceptPause follows an accept that failed, as it does when there are too
	// many open files.
	acceptPause = 50 * time.Millisecond
	// mostRelays is how many connections all pods have outside at a time.
	mostRelays = 4096
)

// relay makes the connections that pods want.
type relay struct {
	cfg      Config
	listener net.Listener
	places   chan struct{}
	all      sync.WaitGroup
}

func newRelay(ctx context.Context, cfg Config) (*relay, error) {
	// On all addresses: what a pod sends anywhere comes to the one of the
	// interface by which it leaves the pod.
	l, err := new(net.ListenConfig).Listen(ctx, "tcp4", ":0")
	if err != nil {
		return nil, err
	}
	r := &relay{cfg: cfg, listener: l, places: make(chan struct{}, mostRelays)}
	r.all.Go(func() { r.accept(ctx) })
	return r, nil
}

func (r *relay) port() uint16 { return conn.AddrPort(r.listener.Addr()).Port() }

// close ends it when the connections have ended, as they do with its context.
func (r *relay) close() {
	r.listener.Close()
	r.all.Wait()
}

func (r *relay) accept(ctx context.Context) {
	defer context.AfterFunc(ctx, func() { r.listener.Close() })()
	for {
		c, err := r.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			r.cfg.Log.Warn("What a pod sends outside cannot be taken", "error", err)
			select {
			case <-time.After(acceptPause):
			case <-ctx.Done():
			}
			continue
		}
		select {
		case r.places <- struct{}{}:
		case <-ctx.Done():
			c.Close()
			continue
		}
		r.all.Go(func() {
			defer func() { <-r.places }()
			r.serve(ctx, c)
		})
	}
}

// serve joins a pod's connection to one outside. If that cannot be made, the
// pod's is reset: to the pod it looks as if it was refused.
func (r *relay) serve(ctx context.Context, c net.Conn) {
	outside, err := r.dial(ctx, c)
	if err != nil {
		r.cfg.Log.Debug("A pod's connection to the outside is refused", "pod", c.RemoteAddr(), "error", err)
		conn.Reset(c)
		return
	}
	var sent, received conn.Counter
	if err := conn.Relay(ctx, c, outside, &sent, &received); err != nil {
		r.cfg.Log.Debug("A pod's connection to the outside broke", "pod", c.RemoteAddr(), "error", err)
	}
}

func (r *relay) dial(ctx context.Context, c net.Conn) (net.Conn, error) {
	to, err := wanted(c)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	// Who speaks to the relay itself wants nothing of it, and what is in this
	// network has ways of its own.
	switch from := conn.AddrPort(c.RemoteAddr()).Addr(); {
	case r.cfg.Detoured != nil && r.cfg.Detoured(to.Addr()):
		return r.cfg.Detour(ctx, "tcp", to.String())
	case r.cfg.Dial == nil, !r.cfg.Pods.Contains(from), r.cfg.covers(to.Addr()), to.Addr().IsLoopback():
		return nil, fmt.Errorf("%s is not outside", to)
	}
	return r.cfg.Dial(ctx, "tcp", to.String())
}

// wanted is where a connection was to go before the kernel handed it over
// (SO_ORIGINAL_DST of netfilter).
func wanted(c net.Conn) (to netip.AddrPort, err error) {
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return to, fmt.Errorf("%T is no TCP connection", c)
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return to, err
	}
	// A sockaddr_in has 16 bytes, and this call gives 20 of any kind.
	var address *unix.IPv6Mreq
	if failed := raw.Control(func(fd uintptr) {
		address, err = unix.GetsockoptIPv6Mreq(int(fd), unix.IPPROTO_IP, unix.SO_ORIGINAL_DST)
	}); failed != nil {
		return to, failed
	}
	if err != nil {
		return to, fmt.Errorf("asking where a connection was to go: %w", err)
	}
	b := address.Multiaddr // family, port and address
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[4:8])), uint16(b[2])<<8|uint16(b[3])), nil
}
