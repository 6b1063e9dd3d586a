// Package namespaces has a part of the benchmark measure in namespaces of its
// own, as another process of the same program.
package namespaces

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// endTime is how long the process has to end when it is told to.
const endTime = time.Minute

// Run starts this program with a command, in the namespaces that the attributes
// say. It gives it the options as JSON and reads the figures so.
func Run(ctx context.Context, command string, attr *syscall.SysProcAttr, options, figures any) error {
	text, err := json.Marshal(options)
	if err != nil {
		return err
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, program, command)
	cmd.Stdin, cmd.Stderr, cmd.SysProcAttr = strings.NewReader(string(text)), os.Stderr, attr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = endTime
	out, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return errors.New("measure in namespaces of its own: it failed as said above")
	} else if err != nil {
		return fmt.Errorf("make namespaces to measure in (this needs root, or user namespaces): %w", err)
	}
	if err := json.Unmarshal(out, figures); err != nil {
		return fmt.Errorf("read the figures: %w", err)
	}
	return nil
}
