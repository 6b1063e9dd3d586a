package seccomp

import "golang.org/x/sys/unix"

const arch = unix.AUDIT_ARCH_X86_64

// x32 marks the numbers of a second set of calls, of which nothing is allowed.
const x32 = 0x40000000

// foreign refuses calls that only this architecture has.
func foreign() []unix.SockFilter {
	p := []unix.SockFilter{jump(unix.BPF_JGE, x32, 0, 1), refuse(unix.ENOSYS)}
	for _, n := range []uint32{unix.SYS_IOPL, unix.SYS_IOPERM, unix.SYS_CREATE_MODULE, unix.SYS_USELIB, unix.SYS__SYSCTL} {
		p = append(p, jump(unix.BPF_JEQ, n, 0, 1), refuse(unix.EPERM))
	}
	return p
}
