//go:build linux

package userns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/causeway-access/causeway/internal/podrun/ns/wire"
)

// A network of its own has no way out. But a socket stays in the network in
// which it was made: somebody outside makes it, connects it, and passes it in.

// wanted is a socket that is asked for, and made the answer to it.
type (
	wanted struct {
		ID               uint64
		Network, Address string
		Listen           bool `json:",omitempty"` // there, and not connected to it
	}
	made struct {
		ID    uint64
		Error string `json:",omitempty"`
	}
)

// Sockets returns both ends of what connections are passed over: that for
// [ServeOutside], and that for [NewOutside] in another process.
func Sockets() (outside, inside *os.File, err error) {
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("making a pair of sockets: %w", err)
	}
	return os.NewFile(uintptr(fds[0]), "outside"), os.NewFile(uintptr(fds[1]), "inside"), nil
}

// wireOf makes a connection of a file, which it closes.
func wireOf(f *os.File) (*wire.Conn, error) {
	defer f.Close()
	c, err := net.FileConn(f)
	if err != nil {
		return nil, err
	}
	unix, ok := c.(*net.UnixConn)
	if !ok {
		c.Close()
		return nil, fmt.Errorf("%T is no unix socket", c)
	}
	return &wire.Conn{UnixConn: unix}, nil
}

const (
	// outsideTimeout bounds one request, and mostDials how many dials there are at
	// a time.
	outsideTimeout = 30 * time.Second
	mostDials      = 256
)

// ServeOutside dials what the other end asks for, or listens there, until that
// or ctx ends. It closes f.
func ServeOutside(ctx context.Context, f *os.File) error {
	c, err := wireOf(f)
	if err != nil {
		return err
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.Close() })()
	var sending sync.Mutex
	dials := places(make(chan struct{}, mostDials))
	for {
		var w wanted
		files, err := c.Receive(&w)
		for _, file := range files {
			file.Close()
		}
		if err != nil {
			return nil // the end of the other, or ours
		}
		go func() { // a dial that waits for its place is in nobody's way
			answer := made{ID: w.ID}
			var passed []*os.File
			if socket, err := dials.open(ctx, w); err != nil {
				answer.Error = err.Error()
			} else {
				defer socket.Close()
				passed = append(passed, socket)
			}
			sending.Lock()
			defer sending.Unlock()
			_ = c.Send(answer, passed...) // nobody may want it any more
		}()
	}
}

// places are for dials that are under way.
type places chan struct{}

// open makes a socket, in the time that there is for it. Who listens needs no
// place: it takes no time.
func (p places) open(ctx context.Context, w wanted) (*os.File, error) {
	ctx, cancel := context.WithTimeout(ctx, outsideTimeout)
	defer cancel()
	if w.Listen {
		return listenFile(ctx, w.Network, w.Address)
	}
	select {
	case p <- struct{}{}:
		defer func() { <-p }()
		return dialFile(ctx, w.Network, w.Address)
	case <-ctx.Done():
		return nil, fmt.Errorf("dialling %s: %d others are being dialled: %w", w.Address, cap(p), ctx.Err())
	}
}

// dialFile is a connected socket.
func dialFile(ctx context.Context, network, address string) (*os.File, error) {
	c, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	socket, ok := c.(interface{ File() (*os.File, error) })
	if !ok {
		return nil, fmt.Errorf("a connection by %s cannot be passed on", network)
	}
	return socket.File()
}

// Outside dials from the network of another process, and listens there.
type Outside struct {
	conn  *wire.Conn
	ended chan struct{}

	sending sync.Mutex

	mu      sync.Mutex
	last    uint64
	waiting map[uint64]chan<- passed
}

type passed struct {
	socket *os.File
	err    error
}

func (p passed) close() {
	if p.socket != nil {
		p.socket.Close()
	}
}

// NewOutside is the end of [ServeOutside] that asks. It closes f.
func NewOutside(f *os.File) (*Outside, error) {
	c, err := wireOf(f)
	if err != nil {
		return nil, fmt.Errorf("preparing the way out: %w", err)
	}
	o := &Outside{conn: c, ended: make(chan struct{}), waiting: map[uint64]chan<- passed{}}
	go o.receive()
	return o, nil
}

// Ended is closed when nobody serves any more: the other process has ended.
func (o *Outside) Ended() <-chan struct{} { return o.ended }

// Close ends it.
func (o *Outside) Close() error { return o.conn.Close() }

// receive hands out what was asked for.
func (o *Outside) receive() {
	defer close(o.ended)
	for {
		var m made
		files, err := o.conn.Receive(&m)
		if err != nil {
			return
		}
		o.mu.Lock()
		to := o.waiting[m.ID]
		delete(o.waiting, m.ID)
		o.mu.Unlock()
		p := open(m, files)
		if to != nil {
			to <- p
		} else {
			p.close()
		}
	}
}

// open is what came.
func open(m made, files []*os.File) (p passed) {
	if m.Error == "" && len(files) == 1 {
		return passed{socket: files[0]}
	}
	for _, f := range files {
		f.Close()
	}
	if m.Error != "" {
		return passed{err: errors.New(m.Error)}
	}
	return passed{err: fmt.Errorf("%d sockets came for one", len(files))}
}

var errNoOutside = errors.New("the process that makes connections outside has ended")

// Dial connects, as net.Dialer.DialContext does, to what the other process can
// reach. What it returns is a socket like any other.
func (o *Outside) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	f, err := o.ask(ctx, wanted{Network: network, Address: address})
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return net.FileConn(f)
}

// ask has the other process make a socket.
func (o *Outside) ask(ctx context.Context, w wanted) (*os.File, error) {
	answer := make(chan passed, 1)
	o.mu.Lock()
	o.last++
	w.ID = o.last
	o.waiting[w.ID] = answer
	o.mu.Unlock()
	o.sending.Lock()
	err := o.conn.Send(w)
	o.sending.Unlock()
	if err != nil {
		o.forget(w.ID)
		return nil, errNoOutside
	}
	select {
	case p := <-answer:
		return p.socket, p.err
	case <-ctx.Done():
		err = ctx.Err()
	case <-o.ended:
		err = errNoOutside
	}
	if !o.forget(w.ID) { // it has come meanwhile
		p := <-answer
		p.close()
	}
	return nil, err
}

// forget says whether the answer has not come yet. It will not be handed out.
func (o *Outside) forget(id uint64) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	_, waiting := o.waiting[id]
	delete(o.waiting, id)
	return waiting
}
