//go:build linux && host

package ns

import (
	"testing"

	"github.com/causeway-access/causeway/test/vm"
)

// otherGroups is the test below, which an ordinary user does not repeat: in a
// virtual machine everybody is root.
const otherGroups = "TestPodsWithTheOtherControlGroups"

// Pods do the same where the control groups are of the version that this machine
// has not got.
func TestPodsWithTheOtherControlGroups(t *testing.T) {
	vm.Machine{ControlGroups: vm.Other()}.Run(t,
		"TestPodsBehaveAsTheSuiteSays", "TestNothingIsLeftWhereverTheAgentDies", "TestWhoIsAttachedSeesTheEndOfThePod", "TestPodsThatLostTheirNetworkEnd")
}
