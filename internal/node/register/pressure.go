package register

import (
	"time"

	corev1 "k8s.io/api/core/v1"
)

// hold is how long a pressure counts after it was last seen, so that a machine
// on the edge does not change its mind with every look.
const hold = 5 * time.Minute

// What a machine must have left, of memory in bytes. What it must have of its
// disks, Config.Scarce knows.
const (
	leastMemory  = 100 << 20
	leastIDShare = 20 // one in twenty
)

// use is how much of the machine is left. What is not known is zero, with its
// total zero too.
type use struct {
	memory, memoryFree  int64  // bytes
	processes, idsLimit int64  // threads count as processes
	scarce              string // what of a disk there is too little of
}

// pressure is one of the conditions by which the scheduler keeps pods away.
type pressure struct {
	kind corev1.NodeConditionType
	seen func(use) bool
	// The reason and message without it, and with it.
	calm, calmly, pressed, message string
}

// pressures are fixed.
var pressures = []pressure{
	{corev1.NodeMemoryPressure, scarceMemory, "KubeletHasSufficientMemory", "the machine has sufficient memory available",
		"KubeletHasInsufficientMemory", "the machine has less than 100 MiB of memory available"},
	{corev1.NodeDiskPressure, scarceDisk, "KubeletHasNoDiskPressure", "the disk of pods has sufficient space",
		"KubeletHasDiskPressure", "a disk is nearly full: remove what is not needed there"},
	{corev1.NodePIDPressure, scarceIDs, "KubeletHasSufficientPID", "the machine has sufficient process IDs available",
		"KubeletHasInsufficientPID", "the machine has nearly run out of process IDs"},
}

func scarceMemory(u use) bool { return u.memory > 0 && u.memoryFree < leastMemory }

func scarceDisk(u use) bool { return u.scarce != "" }

func scarceIDs(u use) bool {
	return u.idsLimit > 0 && u.idsLimit-u.processes < u.idsLimit/leastIDShare
}

// pressure is the condition p, seen or not just now.
func (n *Node) pressure(p pressure, seen bool, now time.Time) corev1.NodeCondition {
	n.mu.Lock()
	defer n.mu.Unlock()
	if seen {
		n.pressed[p.kind] = now
	}
	if last, ok := n.pressed[p.kind]; ok && now.Sub(last) < hold {
		return corev1.NodeCondition{Type: p.kind, Status: corev1.ConditionTrue, Reason: p.pressed, Message: p.message}
	}
	return corev1.NodeCondition{Type: p.kind, Status: corev1.ConditionFalse, Reason: p.calm, Message: p.calmly}
}
