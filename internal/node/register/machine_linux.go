package register

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
	corev1 "k8s.io/api/core/v1"

	"github.com/causeway-access/causeway/internal/podrun/disk"
	"github.com/causeway-access/causeway/internal/version"
)

// lookAtMachine reads what the kernel tells of the machine; dir is where pods
// have their files.
func lookAtMachine(dir string) (machine, error) {
	u, err := lookAtUse()
	if err != nil {
		return machine{}, err
	}
	space, err := disk.At(dir)
	if err != nil {
		return machine{}, err
	}
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return machine{}, fmt.Errorf("asking the kernel for its version: %w", err)
	}
	release, err := os.ReadFile("/etc/os-release")
	if err != nil {
		release, _ = os.ReadFile("/usr/lib/os-release") // os-release(5)
	}
	return machine{cpus: int64(runtime.NumCPU()), memory: u.memory, disk: space.Size, info: corev1.NodeSystemInfo{
		MachineID:       firstOf("/etc/machine-id", "/var/lib/dbus/machine-id"),
		SystemUUID:      firstOf("/sys/class/dmi/id/product_uuid", "/etc/machine-id"),
		BootID:          firstOf("/proc/sys/kernel/random/boot_id"),
		KernelVersion:   unix.ByteSliceToString(name.Release[:]),
		OSImage:         parseRelease(release),
		KubeletVersion:  version.Kubernetes().GitVersion,
		OperatingSystem: runtime.GOOS,
		Architecture:    runtime.GOARCH,
	}}, nil
}

// firstOf is the text of the first of the files that can be read. A machine may
// well have none of them: what they tell helps people, nothing depends on it.
func firstOf(files ...string) string {
	for _, file := range files {
		if text, err := os.ReadFile(file); err == nil && len(text) > 0 {
			return strings.TrimSpace(string(text))
		}
	}
	return ""
}

func lookAtUse() (use, error) {
	var u use
	return u, errors.Join(u.lookAtMemory(), u.lookAtProcesses())
}

func (u *use) lookAtMemory() error {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return err
	}
	if u.memory, u.memoryFree, err = parseMemory(text); err != nil {
		return fmt.Errorf("reading /proc/meminfo: %w", err)
	}
	return nil
}

func (u *use) lookAtProcesses() error {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return err
	}
	if u.processes, err = parseProcesses(text); err != nil {
		return fmt.Errorf("reading /proc/loadavg: %w", err)
	}
	for _, file := range []string{"/proc/sys/kernel/pid_max", "/proc/sys/kernel/threads-max"} {
		limit, err := strconv.ParseInt(firstOf(file), 10, 64)
		if err == nil && (u.idsLimit == 0 || limit < u.idsLimit) {
			u.idsLimit = limit
		}
	}
	return nil
}
