//go:build unix

package transport

import (
	"io"
	"net"
	"syscall"
)

// tcpLink performs the exchange inside one RawConn callback: the read that must
// find nothing comes before the write, where it costs no more than after it and
// tells whether the connection is still good. No wake-up can be lost, since the
// poller's state is reset before the callback is called.
type tcpLink struct {
	raw  syscall.RawConn
	step func(fd uintptr) (done bool) // made once; a method value would be made anew

	c     *wire
	out   []byte
	more  bool
	wrote bool
	early bool // a byte came before the request was written
	err   error
}

func newTCPLink(c *net.TCPConn) link {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil
	}
	l := &tcpLink{raw: raw}
	l.step = l.run
	return l
}

func (l *tcpLink) exchange(c *wire, head []byte, more bool) error {
	l.c, l.out, l.more, l.wrote, l.early, l.err = c, head, more, false, false, nil
	err := l.raw.Read(l.step)
	rest := l.out
	l.c, l.out = nil, nil
	switch {
	case err != nil:
		return err
	case l.err != nil:
		return l.err
	case len(rest) > 0: // more than the kernel takes at once
		if _, err := c.net.Write(rest); err != nil {
			return err
		}
		if l.early {
			c.w = copy(c.buf, c.s.probe[:])
		}
	case !more:
		return nil
	}
	if more {
		return nil
	}
	return c.fill()
}

// run is called once, and again when the connection can be read, until it is
// done. It writes once only.
func (l *tcpLink) run(fd uintptr) (done bool) {
	if l.wrote {
		return l.read(fd)
	}
	if !l.alive(fd) {
		l.err = errStale
		return true
	}
	n, err := try(syscall.Write, fd, l.out)
	if err != nil && err != syscall.EAGAIN {
		l.err = errStale // not a byte of it was taken
		return true
	}
	l.wrote = true
	if l.out = l.out[max(n, 0):]; l.early && len(l.out) == 0 {
		l.c.w = copy(l.c.buf, l.c.s.probe[:])
	}
	return l.more || len(l.out) > 0
}

// alive reports whether the request may be written. A new connection on which
// the backend speaks first is none that was left over.
func (l *tcpLink) alive(fd uintptr) bool {
	n, err := try(syscall.Read, fd, l.c.s.probe[:])
	l.early = n == 1 && !l.c.reused
	return l.early || err == syscall.EAGAIN
}

func (l *tcpLink) read(fd uintptr) (done bool) {
	c := l.c
	n, err := try(syscall.Read, fd, c.buf[c.w:])
	switch {
	case err == syscall.EAGAIN:
		return false
	case err != nil:
		l.err = &net.OpError{Op: "read", Net: "tcp", Source: c.net.LocalAddr(), Addr: c.net.RemoteAddr(), Err: err}
	case n == 0:
		l.err = io.EOF
	}
	c.w += max(n, 0)
	c.grow = c.w == len(c.buf)
	return true
}

// try makes a system call again if a signal has interrupted it.
func try(call func(int, []byte) (int, error), fd uintptr, b []byte) (int, error) {
	for {
		n, err := call(int(fd), b)
		if err != syscall.EINTR {
			return n, err
		}
	}
}

// poller reads from a connection what is there.
type poller struct {
	raw  syscall.RawConn
	step func(fd uintptr) (done bool)
	b    []byte
	n    int
	err  error
}

func (p *poller) read(c *net.TCPConn, b []byte) (int, error) {
	if p.raw == nil {
		raw, err := c.SyscallConn()
		if err != nil {
			return 0, err
		}
		p.raw, p.step = raw, p.run
	}
	p.b = b
	err := p.raw.Read(p.step)
	p.b = nil
	if err != nil {
		return 0, err
	}
	return p.n, p.err
}

func (p *poller) run(fd uintptr) (done bool) {
	p.n, p.err = try(syscall.Read, fd, p.b)
	switch {
	case p.err == syscall.EAGAIN:
		p.n, p.err = 0, errNothing
	case p.err == nil && p.n == 0:
		p.err = io.EOF
	}
	p.n = max(p.n, 0)
	return true
}
