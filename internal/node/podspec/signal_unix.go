//go:build unix

package podspec

import (
	"syscall"

	"golang.org/x/sys/unix"
	corev1 "k8s.io/api/core/v1"
)

// stopSignal is that with which a container is asked to end; zero for the
// image's.
func stopSignal(c *corev1.Container) syscall.Signal {
	if c.Lifecycle == nil || c.Lifecycle.StopSignal == nil {
		return 0
	}
	return unix.SignalNum(string(*c.Lifecycle.StopSignal))
}
