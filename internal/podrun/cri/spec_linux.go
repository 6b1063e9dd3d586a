package cri

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
	pb "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/causeway-access/causeway/internal/podrun"
	"github.com/causeway-access/causeway/internal/podrun/ns/cgroup"
)

// note is what is kept of a container.
type note struct {
	Config           podrun.ContainerConfig
	ImageID, Sandbox string
}

// check finds what a runtime would not: it makes a mount's source if there is
// none, and leaves out a capability that it does not know.
func check(config podrun.ContainerConfig) error {
	for _, m := range config.Mounts {
		if _, err := os.Stat(m.Source); err != nil {
			return fmt.Errorf("%w: the volume for %s: %w", podrun.ErrCannotStart, m.Target, err)
		}
	}
	for _, name := range config.Security.AddCapabilities {
		if c := capability(name); c != "ALL" && !slices.Contains(podrun.Capabilities(), c) {
			return fmt.Errorf("%w: there is no capability %s", podrun.ErrCannotStart, c)
		}
	}
	return nil
}

func capability(name string) string { return strings.TrimPrefix(strings.ToUpper(name), "CAP_") }

// containerConfig is what a runtime is told of a container.
func (r *Runtime) containerConfig(config podrun.ContainerConfig, sandbox podrun.Sandbox, image podrun.Image, hosts string) (*pb.ContainerConfig, error) {
	known, err := json.Marshal(note{config, image.ID, sandbox.ID})
	if err != nil {
		return nil, fmt.Errorf("writing the container down: %w", err)
	}
	signal, err := stopSignal(config)
	if err != nil {
		return nil, err
	}
	log, err := r.logPath(config.LogPath)
	if err != nil {
		return nil, err
	}
	linux := &pb.LinuxContainerConfig{Resources: resources(config.Resources), SecurityContext: security(config.Security, sandbox.Config, image)}
	linux.Resources.Unified = r.groups.unified(cgroup.Mountpoint, config.Resources.Processes)
	return &pb.ContainerConfig{
		Metadata: &pb.ContainerMetadata{Name: config.Name, Attempt: config.Attempt},
		Image:    &pb.ImageSpec{Image: image.ID, UserSpecifiedImage: config.Image},
		Command:  config.Command, Args: config.Args, WorkingDir: config.Dir,
		Envs: environment(config.Env), Mounts: mounts(config.Mounts, hosts), Devices: devices(config.Devices),
		Labels:      r.labels(sandbox.Config, "io.kubernetes.container.name", config.Name),
		Annotations: map[string]string{kept: string(known)},
		LogPath:     log,
		Stdin:       config.Stdin, StdinOnce: config.StdinOnce, Tty: config.TTY,
		StopSignal: signal,
		Linux:      linux,
	}, nil
}

// logPath is a log's file from the directory of logs, of which sandboxes know.
func (r *Runtime) logPath(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	below, err := filepath.Rel(r.config.LogDir, path)
	if err != nil || !filepath.IsLocal(below) {
		return "", fmt.Errorf("the log %s is not below %s", path, r.config.LogDir)
	}
	return below, nil
}

func stopSignal(config podrun.ContainerConfig) (pb.Signal, error) {
	if config.StopSignal == 0 {
		return pb.Signal_SIGNAL_RUNTIME_DEFAULT, nil
	}
	number, ok := pb.Signal_value["SIGNAL_"+unix.SignalName(config.StopSignal)]
	if !ok {
		return 0, fmt.Errorf("%w: the signal %d is none of CRI", podrun.ErrCannotStart, config.StopSignal)
	}
	return pb.Signal(number), nil
}

// environment is in the order of the last mention of each name, which holds.
func environment(list []string) []*pb.KeyValue {
	var envs []*pb.KeyValue
	for _, e := range list {
		name, value, _ := strings.Cut(e, "=")
		envs = slices.DeleteFunc(envs, func(kv *pb.KeyValue) bool { return kv.GetKey() == name })
		envs = append(envs, &pb.KeyValue{Key: name, Value: []byte(value)})
	}
	return envs
}

// mounts has the pod's hosts file, unless something else is mounted there.
func mounts(list []podrun.Mount, hosts string) []*pb.Mount {
	const target = "/etc/hosts"
	var all []*pb.Mount
	if !slices.ContainsFunc(list, func(m podrun.Mount) bool { return m.Target == target }) {
		all = append(all, &pb.Mount{HostPath: hosts, ContainerPath: target})
	}
	for _, m := range list {
		all = append(all, &pb.Mount{HostPath: m.Source, ContainerPath: m.Target, Readonly: m.ReadOnly})
	}
	return all
}

func devices(list []string) []*pb.Device {
	var all []*pb.Device
	for _, path := range list {
		all = append(all, &pb.Device{HostPath: path, ContainerPath: path, Permissions: "rwm"})
	}
	return all
}

// period is how often the share of processors is counted anew, in microseconds.
const period = 100_000

func resources(limits podrun.Resources) *pb.LinuxContainerResources {
	all := &pb.LinuxContainerResources{
		CpuShares: limits.CPUShares, MemoryLimitInBytes: limits.Memory, MemorySwapLimitInBytes: limits.Memory,
	}
	if limits.MilliCPU > 0 {
		// The kernel takes no less than a millisecond.
		all.CpuPeriod, all.CpuQuota = period, max(1000, limits.MilliCPU*period/1000)
	}
	return all
}

// security is what a container's processes may do. A group alone CRI does not
// take: the image's user goes with it.
func security(s podrun.Security, sandbox podrun.SandboxConfig, image podrun.Image) *pb.LinuxContainerSecurityContext {
	context := &pb.LinuxContainerSecurityContext{
		NamespaceOptions: namespaces(sandbox), SupplementalGroups: s.Groups,
		Privileged: s.Privileged, ReadonlyRootfs: s.ReadOnlyRoot, NoNewPrivs: s.NoNewPrivileges,
		Seccomp: &pb.SecurityProfile{ProfileType: pb.SecurityProfile_RuntimeDefault},
	}
	if s.Privileged || s.UnconfinedSeccomp {
		context.Seccomp.ProfileType = pb.SecurityProfile_Unconfined
	}
	if s.User != nil {
		context.RunAsUser = &pb.Int64Value{Value: *s.User}
	}
	if s.Group != nil {
		context.RunAsGroup = &pb.Int64Value{Value: *s.Group}
		number, err := strconv.ParseInt(cmp.Or(image.User, "0"), 10, 64)
		switch {
		case s.User != nil:
		case err == nil:
			context.RunAsUser = &pb.Int64Value{Value: number}
		default:
			context.RunAsUsername = image.User
		}
	}
	if !s.Privileged {
		context.Capabilities = &pb.Capability{}
		for _, name := range s.AddCapabilities {
			context.Capabilities.AddCapabilities = append(context.Capabilities.AddCapabilities, capability(name))
		}
		for _, name := range s.DropCapabilities {
			context.Capabilities.DropCapabilities = append(context.Capabilities.DropCapabilities, capability(name))
		}
		context.MaskedPaths, context.ReadonlyPaths = hidden(), fixed()
	}
	return context
}

// hidden are paths of the kernel that tell or do what is not a container's
// business, and fixed those that it may only read, as with other agents.
func hidden() []string {
	return []string{
		"/proc/asound", "/proc/acpi", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list",
		"/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware", "/sys/devices/virtual/powercap",
	}
}

func fixed() []string {
	return []string{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"}
}
