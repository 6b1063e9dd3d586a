//go:build !linux

package cri

import (
	"context"
	"fmt"
	"runtime"

	"github.com/causeway-access/causeway/internal/podrun"
)

// New says that pods need Linux.
func New(context.Context, Config) (podrun.Runtime, error) {
	return nil, fmt.Errorf("pods are run by Linux, not by %s: run the node in a virtual machine", runtime.GOOS)
}
