//go:build linux

package seccomp

import "golang.org/x/sys/unix"

// refused are calls by the capability that opens them; none opens those of "".
var refused = map[string][]uintptr{
	"": {
		// Keys are not in namespaces: one pod would see another's.
		unix.SYS_ADD_KEY, unix.SYS_KEYCTL, unix.SYS_REQUEST_KEY,
		// Large, young parts of the kernel, with a history of holes.
		unix.SYS_IO_URING_SETUP, unix.SYS_IO_URING_ENTER, unix.SYS_IO_URING_REGISTER,
		unix.SYS_USERFAULTFD,
		unix.SYS_KEXEC_FILE_LOAD, unix.SYS_NFSSERVCTL,
		unix.SYS_MOVE_PAGES, unix.SYS_MIGRATE_PAGES,
	},
	"SYS_ADMIN": {
		unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_PIVOT_ROOT, unix.SYS_SETNS,
		unix.SYS_FSOPEN, unix.SYS_FSCONFIG, unix.SYS_FSMOUNT, unix.SYS_FSPICK,
		unix.SYS_OPEN_TREE, unix.SYS_MOVE_MOUNT, unix.SYS_MOUNT_SETATTR,
		unix.SYS_SWAPON, unix.SYS_SWAPOFF, unix.SYS_QUOTACTL, unix.SYS_QUOTACTL_FD,
		unix.SYS_FANOTIFY_INIT, unix.SYS_LOOKUP_DCOOKIE,
		unix.SYS_BPF, unix.SYS_PERF_EVENT_OPEN,
		unix.SYS_SETHOSTNAME, unix.SYS_SETDOMAINNAME,
	},
	"SYS_MODULE":      {unix.SYS_INIT_MODULE, unix.SYS_FINIT_MODULE, unix.SYS_DELETE_MODULE},
	"SYS_BOOT":        {unix.SYS_REBOOT, unix.SYS_KEXEC_LOAD},
	"SYS_TIME":        {unix.SYS_SETTIMEOFDAY, unix.SYS_CLOCK_SETTIME},
	"SYS_PACCT":       {unix.SYS_ACCT},
	"DAC_READ_SEARCH": {unix.SYS_OPEN_BY_HANDLE_AT},
	"SYS_NICE":        {unix.SYS_MBIND, unix.SYS_SET_MEMPOLICY},
	"SYS_PTRACE":      {unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_PIDFD_GETFD, unix.SYS_KCMP},
	"SYSLOG":          {unix.SYS_SYSLOG},
}
