package stepwise

import (
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// notice is struct seccomp_notif, what the kernel says of a call that waits.
type notice struct {
	id     uint64
	thread uint32
	flags  uint32
	number uint32
	arch   uint32
	at     uint64
	args   [6]uint64
}

// answer is struct seccomp_notif_resp.
type answer struct {
	id    uint64
	value int64
	errno int32
	flags uint32
}

// serve answers the kernel until no process is left that is filtered.
func (r *Run) serve(listener int) error {
	defer unix.Close(listener)
	killed := false
	for {
		poll := []unix.PollFd{{Fd: int32(listener), Events: unix.POLLIN}}
		if _, err := unix.Poll(poll, -1); err != nil && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("waiting for a step: %w", err)
		}
		switch {
		case poll[0].Revents&unix.POLLIN != 0:
		case poll[0].Revents&unix.POLLHUP != 0:
			return nil
		default:
			continue
		}
		var n notice
		switch err := control(listener, unix.SECCOMP_IOCTL_NOTIF_RECV, unsafe.Pointer(&n)); {
		case errors.Is(err, unix.ENOENT), errors.Is(err, unix.EINTR):
			continue // who waited has been killed
		case err != nil:
			return fmt.Errorf("hearing of a step: %w", err)
		}
		if !killed {
			s := r.describe(&n)
			if killed = r.before(s); killed {
				// It may have ended, of which others tell.
				_ = unix.Kill(r.pid, unix.SIGKILL)
				if s.Own {
					continue // the kernel forgets the call with who made it
				}
			}
		}
		a := answer{id: n.id, flags: unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE}
		if err := control(listener, unix.SECCOMP_IOCTL_NOTIF_SEND, unsafe.Pointer(&a)); err != nil && !errors.Is(err, unix.ENOENT) {
			return fmt.Errorf("letting a step be taken: %w", err)
		}
	}
}

func control(fd int, request uint, argument unsafe.Pointer) error {
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), uintptr(request), uintptr(argument))
	if errno != 0 {
		return errno
	}
	return nil
}
