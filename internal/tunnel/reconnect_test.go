package tunnel

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// breaks has a connection end with an error, not as if all had been said.
func breaks(t *testing.T, c net.Conn) {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(patience))
	if _, err := c.Read(make([]byte, 1)); err == nil || err == io.EOF || isTimeout(err) {
		t.Errorf("read: %v, want an error", err)
	}
}

func TestABrokenTunnelIsOpenedAgain(t *testing.T) {
	w := newWorld(t, Pings{}, nil)
	near, far := w.pair(t)
	(<-w.accepted).Close()
	breaks(t, near)
	_ = far.SetReadDeadline(time.Now().Add(patience))
	if _, err := far.Read(make([]byte, 1)); err == nil || isTimeout(err) {
		t.Errorf("the backend's end: %v, want its end", err)
	}
	<-w.accepted // the node has come again
	until(t, "the new tunnel is open", func() bool { return w.hub.Connected(nodeName) })
	near, far = w.pair(t)
	writes(t, near, "again")
	reads(t, far, "again")
}

func TestANodeThatComesAgainTakesThePlaceOfItsOldTunnel(t *testing.T) {
	w := newWorld(t, Pings{}, nil)
	old, _ := w.pair(t)
	second := w.newClient(t, Pings{}, nil)
	tunnel, err := second.connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tunnel.Close()
	breaks(t, old)
}

func TestTheEndOfTheHubIsTheEndOfTunnels(t *testing.T) {
	w := newWorld(t, Pings{}, nil)
	near, _ := w.pair(t)
	w.hub.Close()
	breaks(t, near)
	if w.hub.Connected(nodeName) {
		t.Error("the node is still connected")
	}
}

// frozen passes on what is sent until it freezes: then it gives nothing, takes
// all, and its end is not heard of, as with a machine that has lost its power.
type frozen struct {
	net.Conn
	now   atomic.Bool
	ended chan struct{}
	once  sync.Once
}

func (f *frozen) Read(p []byte) (int, error) {
	n, err := f.Conn.Read(p)
	if f.now.Load() {
		<-f.ended
		return 0, net.ErrClosed
	}
	return n, err
}

func (f *frozen) Write(p []byte) (int, error) {
	if f.now.Load() {
		return len(p), nil
	}
	return f.Conn.Write(p)
}

func (f *frozen) Close() error {
	f.once.Do(func() { close(f.ended) })
	if f.now.Load() {
		return nil
	}
	return f.Conn.Close()
}

func TestAPeerThatIsGoneIsNoticedAtBothEnds(t *testing.T) {
	t.Parallel() // it takes as long as a busy machine may take to answer
	var first atomic.Pointer[frozen]
	var again atomic.Int32
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		if first.Load() != nil {
			again.Add(1)
			return nil, errors.New("the machine has no power")
		}
		c, err := (&net.Dialer{}).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		f := &frozen{Conn: c, ended: make(chan struct{})}
		first.Store(f)
		return f, nil
	}
	w := newWorld(t, Pings{After: 50 * time.Millisecond, Timeout: 20 * time.Second}, dial)
	near, far := w.pair(t)
	writes(t, near, "before") // pings are answered meanwhile
	reads(t, far, "before")
	f := first.Load()
	defer f.Conn.Close()
	f.now.Store(true)
	until(t, "the server misses the node", func() bool { return !w.hub.Connected(nodeName) })
	until(t, "the node misses the server", func() bool { return again.Load() > 0 })
}
