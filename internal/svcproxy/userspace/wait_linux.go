package userspace

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// wait returns when there is something to read, without reading it.
func wait(raw syscall.RawConn) error {
	return raw.Read(func(fd uintptr) bool {
		look := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, err := unix.Poll(look, 0)
		return n > 0 || err != nil // an error shows when it is read
	})
}
