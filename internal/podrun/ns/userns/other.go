//go:build !linux

package userns

import (
	"context"
	"fmt"
	"os/exec"
	"runtime"
)

// Main does nothing: there are no namespaces.
func Main([]string) {}

// Command cannot be started.
func Command(ctx context.Context, _ ...string) *exec.Cmd {
	return &exec.Cmd{Err: Possible(ctx)}
}

// Possible says that namespaces are Linux'.
func Possible(context.Context) error {
	return fmt.Errorf("namespaces for pods are made by Linux, not by %s: run the node in a virtual machine", runtime.GOOS)
}
