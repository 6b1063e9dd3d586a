package localproxy

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
)

// Listen listens on an address and a port, 0 for any. For the loopback address
// of IPv4, and for localhost, it also listens on that of IPv6, where there is
// one and the port is free: clients that are told "localhost" may try either.
// The first listener is the one to tell people of.
func Listen(address string, port int) ([]net.Listener, error) {
	host := address
	if address == "localhost" {
		host = "127.0.0.1"
	}
	first, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		return nil, err
	}
	listeners := []net.Listener{first}
	if host == "127.0.0.1" {
		bound := first.Addr().(*net.TCPAddr).Port
		if second, err := net.Listen("tcp", net.JoinHostPort("::1", strconv.Itoa(bound))); err == nil {
			listeners = append(listeners, second)
		}
	}
	return listeners, nil
}

// ListenUnix listens on a socket that this user alone may use. One that is
// left over from a process that has ended is replaced; a file that is no
// socket, and a socket on which somebody answers, are errors.
func ListenUnix(path string) (net.Listener, error) {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	case info.Mode()&os.ModeSocket == 0:
		return nil, fmt.Errorf("listening on %s: it exists and is no socket", path)
	default:
		if c, err := net.Dial("unix", path); err == nil {
			c.Close()
			return nil, fmt.Errorf("listening on %s: another process does", path)
		}
	}
	// Made under another name and with its mode, then moved: at no moment may
	// others connect.
	dir, err := os.MkdirTemp(filepath.Dir(path), ".")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	hidden := filepath.Join(dir, "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: hidden, Net: "unix"})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false)
	err = os.Chmod(hidden, 0o600)
	if err == nil {
		err = os.Rename(hidden, path)
	}
	if err != nil {
		l.Close()
		return nil, fmt.Errorf("listening on %s: %w", path, err)
	}
	return &unixListener{l, path}, nil
}

// unixListener knows its socket by the name that it was moved to.
type unixListener struct {
	*net.UnixListener
	path string
}

func (l *unixListener) Addr() net.Addr { return &net.UnixAddr{Name: l.path, Net: "unix"} }

func (l *unixListener) Close() error {
	return errors.Join(l.UnixListener.Close(), os.Remove(l.path))
}
