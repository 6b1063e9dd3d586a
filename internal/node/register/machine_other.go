//go:build !linux

package register

import (
	"runtime"

	corev1 "k8s.io/api/core/v1"

	"github.com/causeway-access/causeway/internal/version"
)

// lookAtMachine tells what Go itself knows: pods run on Linux alone so far.
func lookAtMachine(string) (machine, error) {
	return machine{cpus: int64(runtime.NumCPU()), info: corev1.NodeSystemInfo{
		KubeletVersion: version.Kubernetes().GitVersion, OperatingSystem: runtime.GOOS, Architecture: runtime.GOARCH,
	}}, nil
}

func lookAtUse() (use, error) { return use{}, nil }
