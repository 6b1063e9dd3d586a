//go:build linux && host && root

package cri

import (
	"testing"

	"github.com/causeway-access/causeway/test/vm"
)

// Pods of containerd do the same where the control groups are of the version that
// this machine has not got.
func TestPodsOfContainerdWithTheOtherControlGroups(t *testing.T) {
	vm.Machine{ControlGroups: vm.Other()}.Run(t, "TestPodsOfContainerdBehaveAsTheSuiteSays")
}
