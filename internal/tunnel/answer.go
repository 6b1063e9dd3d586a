package tunnel

import (
	"cmp"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/net/http2"

	"github.com/causeway-access/causeway/internal/conn"
)

// Refusal is the error of what is not to be reached through a tunnel.
type Refusal struct {
	// Why is said to who has asked.
	Why string
}

func (r *Refusal) Error() string { return r.Why }

// Absent is the error of what has no way from here now. Another server may have
// one.
type Absent struct {
	// Why is said to who has asked.
	Why string
}

func (a *Absent) Error() string { return a.Why }

const (
	// openTimeout bounds the wait for a backend.
	openTimeout = 10 * time.Second
	// flushTimeout bounds what a backend may take for what it was still sent when
	// its client has gone.
	flushTimeout = 30 * time.Second
)

// answerer answers the end of a tunnel that dials.
type answerer struct {
	open  conn.DialFunc
	pings Pings
}

// serve answers until the tunnel ends, and with it what goes through it.
func (a answerer) serve(ctx context.Context, tunnel net.Conn) {
	var streams gate
	defer streams.close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	server := &http2.Server{
		MaxConcurrentStreams: maxStreams, MaxReadFrameSize: frameSize,
		MaxUploadBufferPerStream: streamWindow, MaxUploadBufferPerConnection: allWindows,
		ReadIdleTimeout: cmp.Or(a.pings.After, defaultPing), PingTimeout: cmp.Or(a.pings.Timeout, defaultPing),
	}
	server.ServeConn(tunnel, &http2.ServeConnOpts{
		Context:    ctx,
		BaseConfig: &http.Server{ErrorLog: log.New(io.Discard, "", 0)},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if streams.enter() {
				defer streams.leave()
				a.join(ctx, w, r)
			}
		}),
	})
}

// join joins a stream with the backend that it asks for.
func (a answerer) join(tunnel context.Context, w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodConnect {
		http.Error(w, "want CONNECT", http.StatusMethodNotAllowed)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), openTimeout)
	backend, err := a.open(ctx, "tcp", r.Host)
	cancel()
	if err != nil {
		http.Error(w, err.Error(), statusOf(err))
		return
	}
	defer backend.Close()
	// A stream that is broken off is read to its end all the same: what was sent
	// before is for the backend. A tunnel that has ended is the end of all.
	defer context.AfterFunc(tunnel, func() { backend.Close() })()
	defer context.AfterFunc(r.Context(), func() { _ = backend.SetWriteDeadline(time.Now().Add(flushTimeout)) })()
	if !exchange(w, r, backend) {
		panic(http.ErrAbortHandler) // resets the stream: it did not end well
	}
}

// statusOf is how it is said why a backend was not reached.
func statusOf(err error) int {
	switch {
	case errors.As(err, new(*Refusal)):
		return http.StatusForbidden
	case errors.As(err, new(*Absent)):
		return http.StatusServiceUnavailable
	}
	return http.StatusBadGateway
}

// exchange copies both ways until both have ended, and says whether they did.
func exchange(w http.ResponseWriter, r *http.Request, backend net.Conn) bool {
	if http.NewResponseController(w).Flush() != nil {
		return false
	}
	up := make(chan error, 1)
	go func() {
		err := upward(backend, r.Body)
		if err != nil {
			backend.Close()
		}
		up <- err
	}()
	err := writeRecords(w, backend)
	if errors.As(err, new(sourceError)) {
		backend.Close()
		r.Body.Close()
	} // else the client has gone; the body ends when all of it was read
	return errors.Join(err, <-up) == nil
}

func upward(backend net.Conn, body io.Reader) error {
	if _, err := io.Copy(backend, body); err != nil {
		return err
	}
	half, ok := backend.(conn.HalfCloser)
	if !ok {
		return errors.New("the backend cannot be told the end alone")
	}
	return half.CloseWrite()
}

// gate counts who is inside. When it is closed nobody is any more, nor comes.
type gate struct {
	mu     sync.Mutex
	closed bool
	inside sync.WaitGroup
}

func (g *gate) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.closed {
		g.inside.Add(1)
	}
	return !g.closed
}

func (g *gate) leave() { g.inside.Done() }

func (g *gate) close() {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	g.inside.Wait()
}
