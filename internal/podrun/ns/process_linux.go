package ns

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/causeway-access/causeway/internal/podrun/proc"
)

// process is one that is known again: numbers are given anew, but not at the
// same tick of the same start of the machine.
type process struct {
	PID   int
	Birth uint64
	Boot  string
}

// processOf says which process has a number now.
func processOf(pid int) (process, error) {
	stat, err := proc.Read(pid)
	if err != nil {
		return process{}, err
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return process{}, err
	}
	p := process{PID: pid, Birth: stat.Birth, Boot: strings.TrimSpace(string(boot))}
	if stat.State == "Z" || stat.State == "X" {
		return p, os.ErrProcessDone
	}
	return p, nil
}

// alive says whether it has not ended.
func (p process) alive() bool {
	now, err := processOf(p.PID)
	return err == nil && now == p
}

// kill ends it and returns when it has ended, and with it all of its PID
// namespace.
func (p process) kill(ctx context.Context) error {
	fd, err := unix.PidfdOpen(p.PID, 0)
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("opening the process %d: %w", p.PID, err)
	}
	defer unix.Close(fd)
	// The descriptor is of who has the number now; it is looked at after that.
	if !p.alive() {
		return nil
	}
	if err := unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("killing the process %d: %w", p.PID, err)
	}
	return ended(ctx, fd)
}

// ended waits until a process has.
func ended(ctx context.Context, fd int) error {
	const often = 100 // milliseconds between looks at ctx
	for {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, often)
		if n > 0 {
			return nil
		}
		if err != nil && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("waiting for a process: %w", err)
		}
		if ctx.Err() != nil {
			return fmt.Errorf("waiting for a process: %w", ctx.Err())
		}
	}
}
