package stepwise

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Offsets in struct seccomp_data (linux/seccomp.h), on machines of little endian.
const (
	offsetNumber   = 0
	offsetArgument = 16
	argumentSize   = 8
)

// always are the calls that are steps whatever their arguments.
var always = []uint32{
	unix.SYS_MKDIRAT, unix.SYS_UNLINKAT, unix.SYS_RENAMEAT, unix.SYS_RENAMEAT2, unix.SYS_SYMLINKAT, unix.SYS_LINKAT,
	unix.SYS_FCHMODAT, unix.SYS_FCHOWNAT, unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_MOVE_MOUNT,
	unix.SYS_SENDTO, unix.SYS_SENDMSG, unix.SYS_PIDFD_SEND_SIGNAL,
}

// flagged are the calls that are steps with any of some flags, in an argument.
var flagged = []struct {
	number, argument, flags uint32
}{
	{unix.SYS_OPENAT, 2, unix.O_WRONLY | unix.O_RDWR | unix.O_CREAT | unix.O_TRUNC},
	{unix.SYS_CLONE, 0, unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET},
}

// filter is in the kernel's language what is said above.
func filter() []unix.SockFilter {
	ask := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_USER_NOTIF}
	allow := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW}
	p := []unix.SockFilter{load(offsetNumber)}
	for _, n := range always {
		p = append(p, jump(unix.BPF_JEQ, n, 0, 1), ask)
	}
	for _, f := range flagged {
		p = append(p,
			jump(unix.BPF_JEQ, f.number, 0, 4),
			load(offsetArgument+argumentSize*f.argument),
			jump(unix.BPF_JSET, f.flags, 0, 1), ask, allow)
	}
	return append(p, allow)
}

func load(offset uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset}
}

// jump skips yes instructions if the comparison with value holds, else no.
func jump(comparison uint16, value uint32, yes, no uint8) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_JMP | comparison | unix.BPF_K, Jt: yes, Jf: no, K: value}
}

// install has the calling thread, and all that it starts, stopped at steps, and
// returns the descriptor of the listener.
func install() (int, error) {
	f := filter()
	prog := unix.SockFprog{Len: uint16(len(f)), Filter: &f[0]}
	// A step that waits is not to begin anew with each signal, of which Go's
	// scheduler sends many.
	const flags = unix.SECCOMP_FILTER_FLAG_NEW_LISTENER | unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
	fd, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(&prog)))
	if errno != 0 {
		return 0, fmt.Errorf("filtering system calls: %w", errno)
	}
	return int(fd), nil
}
