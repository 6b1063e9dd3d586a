package stepwise

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"

	"golang.org/x/sys/unix"
)

// Step is one that a process is about to take.
type Step struct {
	// Own says that it is the program's, not that of a process it has started.
	Own bool
	// Call is the system call.
	Call string
	// What is it done to: the whole path of a file; of a request to the kernel's
	// network, its kind and number; of one to another process, its operation.
	What string
}

// String is for people to read.
func (s Step) String() string { return s.Call + " " + s.What }

// files are where calls have a directory and a name in it, among their arguments.
var files = map[uint32]struct {
	call      string
	directory int
	name      int
}{
	unix.SYS_MKDIRAT:    {"mkdir", 0, 1},
	unix.SYS_UNLINKAT:   {"unlink", 0, 1},
	unix.SYS_RENAMEAT:   {"rename to", 2, 3},
	unix.SYS_RENAMEAT2:  {"rename to", 2, 3},
	unix.SYS_SYMLINKAT:  {"symlink", 1, 2},
	unix.SYS_LINKAT:     {"link", 2, 3},
	unix.SYS_FCHMODAT:   {"chmod", 0, 1},
	unix.SYS_FCHOWNAT:   {"chown", 0, 1},
	unix.SYS_OPENAT:     {"write", 0, 1},
	unix.SYS_MOVE_MOUNT: {"move mount", 2, 3},
	unix.SYS_MOUNT:      {"mount", -1, 1},
	unix.SYS_UMOUNT2:    {"unmount", -1, 0},
}

// describe says what a call is.
func (r *Run) describe(n *notice) Step {
	s := Step{Own: groupOf(n.thread) == r.pid}
	if f, ok := files[n.number]; ok {
		s.Call = f.call
		directory := unix.AT_FDCWD
		if f.directory >= 0 {
			directory = int(int32(n.args[f.directory]))
		}
		s.What = pathOf(n.thread, directory, text(n.thread, n.args[f.name]))
		return s
	}
	switch n.number {
	case unix.SYS_CLONE:
		s.Call = "make namespaces"
	case unix.SYS_PIDFD_SEND_SIGNAL:
		s.Call, s.What = "signal", unix.SignalName(unix.Signal(n.args[1]))
	case unix.SYS_SENDTO:
		s.Call, s.What = "send", r.message(n, memory(n.thread, n.args[1], int(min(n.args[2], mostText))))
	case unix.SYS_SENDMSG:
		s.Call, s.What = "send", r.message(n, vector(n.thread, n.args[1]))
	}
	return s
}

// groupOf is the process of a thread.
func groupOf(thread uint32) int {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", thread))
	if err != nil {
		return 0
	}
	_, after, _ := bytes.Cut(status, []byte("\nTgid:\t"))
	line, _, _ := bytes.Cut(after, []byte("\n"))
	pid, _ := strconv.Atoi(string(line))
	return pid
}

// mostText is how much of an argument is looked at.
const mostText = 4096

// memory reads that of another process, as much as there is.
func memory(thread uint32, at uint64, size int) []byte {
	f, err := os.Open(fmt.Sprintf("/proc/%d/mem", thread))
	if err != nil {
		return nil
	}
	defer f.Close()
	data := make([]byte, size)
	n, _ := f.ReadAt(data, int64(at)) // the end of what can be read is none of ours
	return data[:n]
}

// text is a string of C.
func text(thread uint32, at uint64) string {
	data, _, _ := bytes.Cut(memory(thread, at, mostText), []byte{0})
	return string(data)
}

// vector is the first piece of what a struct msghdr sends (sendmsg(2)).
func vector(thread uint32, at uint64) []byte {
	const vectorOffset = 16
	head := memory(thread, at, vectorOffset+8)
	if len(head) < vectorOffset+8 {
		return nil
	}
	piece := memory(thread, binary.NativeEndian.Uint64(head[vectorOffset:]), 16)
	if len(piece) < 16 {
		return nil
	}
	size := binary.NativeEndian.Uint64(piece[8:])
	return memory(thread, binary.NativeEndian.Uint64(piece), int(min(size, mostText)))
}

// pathOf is the whole path of a name in a directory of another process.
func pathOf(thread uint32, directory int, name string) string {
	if filepath.IsAbs(name) {
		return filepath.Clean(name)
	}
	link := fmt.Sprintf("/proc/%d/cwd", thread)
	if directory != unix.AT_FDCWD {
		link = fmt.Sprintf("/proc/%d/fd/%d", thread, directory)
	}
	base, err := os.Readlink(link)
	if err != nil {
		base = "?"
	}
	return filepath.Join(base, name)
}

// operation is what a message to another process asks for.
var operation = regexp.MustCompile(`"Op":"(\w+)"`)

// message says what is sent, if it is something that is known.
func (r *Run) message(n *notice, data []byte) string {
	if found := operation.FindSubmatch(data); found != nil {
		return "request " + string(found[1])
	}
	process, err := unix.PidfdOpen(groupOf(n.thread), 0)
	if err != nil {
		return ""
	}
	defer unix.Close(process)
	socket, err := unix.PidfdGetfd(process, int(n.args[0]), 0)
	if err != nil {
		return ""
	}
	defer unix.Close(socket)
	domain, err := unix.GetsockoptInt(socket, unix.SOL_SOCKET, unix.SO_DOMAIN)
	if err != nil || domain != unix.AF_NETLINK || len(data) < unix.NLMSG_HDRLEN {
		return ""
	}
	protocol, err := unix.GetsockoptInt(socket, unix.SOL_SOCKET, unix.SO_PROTOCOL)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("netlink %d, %d", protocol, binary.NativeEndian.Uint16(data[4:]))
}
