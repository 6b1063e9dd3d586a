package image

import (
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// signal is that of a name or number; zero if it is neither.
func signal(text string) syscall.Signal {
	if n, err := strconv.Atoi(text); err == nil {
		return syscall.Signal(n)
	}
	if text != "" && !strings.HasPrefix(text, "SIG") {
		text = "SIG" + text
	}
	return unix.SignalNum(text)
}
