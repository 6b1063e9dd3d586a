//go:build linux && host && root

package cri

import (
	"fmt"
	"os"
	"testing"

	"github.com/causeway-access/causeway/test/inside"
)

// alone returns true in a process that is in a network, mounts and processes
// of its own, whose /run and /var/lib are empty, and there runs the test, with
// control groups of a name that nobody else has.
func alone(t *testing.T) bool {
	t.Helper()
	return inside.Alone(t, fmt.Sprintf("%s=causeway-test-%d", groupVariable, os.Getpid()))
}
