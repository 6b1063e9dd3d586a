package cri

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/transport/spdy"
	pb "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/streaming/pkg/httpstream"

	"github.com/causeway-access/causeway/internal/podrun"
)

// protocol is that of forwarded ports.
const protocol = "portforward.k8s.io"

// Dial implements [podrun.Streams]: each connection has a session of its own.
func (r *Runtime) Dial(ctx context.Context, sandbox string, port uint16) (net.Conn, error) {
	conn, err := r.dial(ctx, sandbox, port)
	if err != nil {
		return nil, fmt.Errorf("connecting to port %d of %s: %w", port, sandbox, err)
	}
	return conn, nil
}

func (r *Runtime) dial(ctx context.Context, sandbox string, port uint16) (net.Conn, error) {
	status, err := r.sandboxStatus(ctx, sandbox)
	if err != nil {
		return nil, err
	}
	if status.GetState() != pb.PodSandboxState_SANDBOX_READY {
		return nil, podrun.ErrNotReady
	}
	response, err := r.runtime.PortForward(ctx, &pb.PortForwardRequest{PodSandboxId: sandbox, Port: []int32{int32(port)}})
	if err != nil {
		return nil, plain(err)
	}
	at, client, upgrader, err := upgrade(response.GetUrl())
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, at.String(), nil)
	if err != nil {
		return nil, err
	}
	session, _, err := spdy.NegotiateStreaming(upgrader, &http.Client{Transport: client}, request, protocol)
	if err != nil {
		return nil, err
	}
	// Whoever gives up ends the session, and the opening of its streams.
	stop := context.AfterFunc(ctx, func() { session.Close() })
	conn, err := forwarded(session, port)
	if !stop() || err != nil {
		session.Close()
		return nil, errors.Join(ctx.Err(), err)
	}
	return conn, nil
}

// forwarded opens the two streams of a connection.
func forwarded(session httpstream.Connection, port uint16) (net.Conn, error) {
	h := http.Header{}
	h.Set(corev1.PortHeader, strconv.Itoa(int(port)))
	h.Set(corev1.PortForwardRequestIDHeader, "0")
	h.Set(corev1.StreamType, corev1.StreamTypeError)
	failure, err := session.CreateStream(h)
	if err != nil {
		return nil, fmt.Errorf("opening the stream of errors: %w", err)
	}
	failure.Close() // nothing is written there
	h.Set(corev1.StreamType, corev1.StreamTypeData)
	data, err := session.CreateStream(h)
	if err != nil {
		return nil, fmt.Errorf("opening the stream of data: %w", err)
	}
	c := &forwardedConn{Stream: data, session: session, failed: make(chan struct{})}
	go c.hear(failure)
	return c, nil
}

// forwardedConn is a connection to a pod's port.
type forwardedConn struct {
	httpstream.Stream
	session httpstream.Connection
	once    sync.Once
	// failed is closed when all is known of failure.
	failed  chan struct{}
	failure error
}

// hear waits for the other side's word on what went wrong.
func (c *forwardedConn) hear(stream io.Reader) {
	defer close(c.failed)
	if message, _ := io.ReadAll(stream); len(message) > 0 {
		c.failure = errors.New(string(message))
	}
}

// Read returns, where the connection was never made or broke, why.
func (c *forwardedConn) Read(p []byte) (int, error) {
	n, err := c.Stream.Read(p)
	if n == 0 && err != nil {
		select {
		case <-c.failed:
		case <-c.session.CloseChan():
		}
		select {
		case <-c.failed:
			if c.failure != nil {
				return 0, c.failure
			}
		default:
		}
	}
	return n, err
}

// CloseWrite tells the pod that nothing more comes.
func (c *forwardedConn) CloseWrite() error { return c.Stream.Close() }

// Close ends the session.
func (c *forwardedConn) Close() error {
	c.once.Do(func() { c.session.Close() })
	return nil
}

// LocalAddr implements [net.Conn].
func (c *forwardedConn) LocalAddr() net.Addr { return forwardedAddr{} }

// RemoteAddr implements [net.Conn].
func (c *forwardedConn) RemoteAddr() net.Addr { return forwardedAddr{} }

// SetDeadline implements [net.Conn]: streams have none.
func (c *forwardedConn) SetDeadline(time.Time) error { return os.ErrNoDeadline }

// SetReadDeadline implements [net.Conn]: streams have none.
func (c *forwardedConn) SetReadDeadline(time.Time) error { return os.ErrNoDeadline }

// SetWriteDeadline implements [net.Conn]: streams have none.
func (c *forwardedConn) SetWriteDeadline(time.Time) error { return os.ErrNoDeadline }

// forwardedAddr is all that is known of where a forwarded connection goes.
type forwardedAddr struct{}

func (forwardedAddr) Network() string { return "cri" }
func (forwardedAddr) String() string  { return "pod" }
