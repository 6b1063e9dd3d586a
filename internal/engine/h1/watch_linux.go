package h1

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// watchable says that it can be seen whether a client is there without reading
// from its connection.
const watchable = true

// gone reports whether the other side has closed its connection, or, as long as
// not all was read of what it has to say, whether it is broken. To close one
// direction is to leave: net/http's server takes it so, too.
func gone(socket syscall.RawConn, allRead bool) bool {
	is := false
	err := socket.Control(func(fd uintptr) {
		events := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}}
		n, err := unix.Poll(events, 0)
		if err != nil || n == 0 {
			return
		}
		is = events[0].Revents&(unix.POLLERR|unix.POLLHUP) != 0 || allRead
	})
	return err != nil || is
}

// waitReadable returns when there is something to be read, an end or an error
// too, or the deadline has passed. It reads nothing.
func waitReadable(socket syscall.RawConn) error {
	var probe [1]byte
	asked := false
	return socket.Read(func(fd uintptr) (done bool) {
		if asked {
			return true // the poller says so
		}
		asked = true
		for {
			_, _, err := unix.Recvfrom(int(fd), probe[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
			if err != unix.EINTR {
				return err != unix.EAGAIN
			}
		}
	})
}
