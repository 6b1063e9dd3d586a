//go:build linux

package seccomp

import (
	"fmt"
	"runtime"
	"slices"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Offsets in struct seccomp_data (linux/seccomp.h); arguments are little endian
// on every architecture that arch knows.
const (
	offsetNumber = 0
	offsetArch   = 4
	offsetArg0   = 16
)

// newNamespaces are the flags of clone(2) and unshare(2) that make namespaces.
const newNamespaces = unix.CLONE_NEWNS | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWUSER |
	unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWCGROUP

// Load restricts the calling thread, and what it starts. It needs
// CAP_SYS_ADMIN or no_new_privs, and a locked thread that is thrown away.
// capabilities, without CAP_, open what they are about.
func Load(capabilities []string) error {
	if arch == 0 {
		return fmt.Errorf("loading the system call filter: there is none for %s; ask for an unconfined profile", runtime.GOARCH)
	}
	filter := program(capabilities)
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if err := unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&prog)), 0, 0); err != nil {
		return fmt.Errorf("loading the system call filter: %w", err)
	}
	return nil
}

// program is the filter in the kernel's language: one after the other, each
// call that is refused, then a permission for the rest.
func program(capabilities []string) []unix.SockFilter {
	p := []unix.SockFilter{
		load(offsetArch),
		jump(unix.BPF_JEQ, arch, 1, 0),
		refuse(unix.ENOSYS), // another architecture's numbers mean other calls
		load(offsetNumber),
	}
	p = append(p, foreign()...)
	admin := slices.Contains(capabilities, "SYS_ADMIN")
	for capability, numbers := range refused {
		if slices.Contains(capabilities, capability) {
			continue
		}
		for _, n := range numbers {
			p = append(p, jump(unix.BPF_JEQ, uint32(n), 0, 1), refuse(unix.EPERM))
		}
	}
	if !admin {
		// The flags of clone3 lie in memory, out of a filter's sight; libc falls
		// back to clone when it is told that there is none.
		p = append(p, jump(unix.BPF_JEQ, unix.SYS_CLONE3, 0, 1), refuse(unix.ENOSYS))
		p = append(p, flagged(unix.SYS_CLONE)...)
		p = append(p, flagged(unix.SYS_UNSHARE)...)
	}
	return append(p, unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW})
}

// flagged refuses a call whose first argument asks for a namespace.
func flagged(number uint32) []unix.SockFilter {
	return []unix.SockFilter{
		jump(unix.BPF_JEQ, number, 0, 4),
		load(offsetArg0),
		jump(unix.BPF_JSET, newNamespaces, 0, 1),
		refuse(unix.EPERM),
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
}

func load(offset uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset}
}

// jump skips yes instructions if the comparison with value holds, else no.
func jump(comparison uint16, value uint32, yes, no uint8) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_JMP | comparison | unix.BPF_K, Jt: yes, Jf: no, K: value}
}

func refuse(with syscall.Errno) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(with)}
}
