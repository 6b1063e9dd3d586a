//go:build !unix

package podspec

import (
	"syscall"

	corev1 "k8s.io/api/core/v1"
)

func stopSignal(*corev1.Container) syscall.Signal { return 0 }
