package cri

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	pb "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/causeway-access/causeway/internal/podrun"
	"github.com/causeway-access/causeway/internal/podrun/ns/cgroup"
)

// groups are the control groups of pods, in which a runtime makes those of
// containers. The zero value has none.
type groups struct {
	parent string
	root   cgroup.Root
	// prefix is before a container's ID in the name of its group.
	prefix string
	// why there are none.
	why string
}

// findGroups looks for them. Systemd wants all to be its own.
func findGroups(parent string, systemd bool) groups {
	if systemd {
		return groups{why: "limits of a whole pod (the container runtime leaves control groups to systemd)"}
	}
	return groups{parent: parent, root: cgroup.Find(cgroup.Mountpoint, parent)}
}

func (g groups) missing() []string {
	if g.why != "" {
		return []string{g.why}
	}
	var missing []string
	for _, c := range g.root.Missing() {
		missing = append(missing, "control group "+c)
	}
	return missing
}

// path is what a runtime is told.
func (g groups) path(name string) string {
	if g.parent == "" {
		return ""
	}
	return filepath.Join("/", g.parent, name)
}

// make makes the group of a pod.
func (g groups) make(name string, limits podrun.Resources) error {
	if g.parent == "" {
		return nil
	}
	if err := g.root.Make(name); err != nil {
		return err
	}
	return g.root.Limit(name, limits)
}

// limit makes a container's group before the runtime does, which finds it with
// a limit of processes: of version 1 CRI knows none.
func (g groups) limit(pod, container string, processes int64) error {
	if g.parent == "" || processes == 0 {
		return nil
	}
	return g.make(g.of(pod, container), podrun.Resources{Processes: processes})
}

// of is the name of a container's group.
func (g groups) of(pod, container string) string { return filepath.Join(pod, g.prefix+container) }

// unified is how a runtime limits processes by itself, where it is not done
// here: by version 2 alone.
func (g groups) unified(mountpoint string, processes int64) map[string]string {
	if g.parent != "" || processes == 0 {
		return nil
	}
	if _, err := os.Stat(filepath.Join(mountpoint, "cgroup.controllers")); err != nil {
		return nil
	}
	return map[string]string{"pids.max": strconv.FormatInt(processes, 10)}
}

// remove removes it everywhere: in version 1 the runtime has made groups in
// hierarchies that are not used here. Its processes have ended.
func (g groups) remove(name string) error {
	if g.parent == "" || name == "" {
		return nil
	}
	errs := []error{g.root.Remove(name)}
	others, err := filepath.Glob(filepath.Join(cgroup.Mountpoint, "*", g.parent, name))
	for _, dir := range others {
		errs = append(errs, prune(dir))
	}
	return errors.Join(append(errs, err)...)
}

// prune removes a group, and those below it, that have no processes.
func prune(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	errs := []error{err}
	for _, e := range entries {
		if e.IsDir() {
			errs = append(errs, prune(filepath.Join(dir, e.Name())))
		}
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		errs = append(errs, fmt.Errorf("removing a control group: %w", err))
	}
	return errors.Join(errs...)
}

// systemd says whether the runtime's control groups are made by systemd. Older
// versions tell it only among all their settings.
func (r *Runtime) systemd(ctx context.Context) bool {
	config, err := r.runtime.RuntimeConfig(ctx, &pb.RuntimeConfigRequest{})
	if err == nil {
		return config.GetLinux() != nil && config.GetLinux().GetCgroupDriver() == pb.CgroupDriver_SYSTEMD
	}
	if r.name == crio { // it does so unless it is told otherwise, which it does not tell
		return true
	}
	status, err := r.runtime.Status(ctx, &pb.StatusRequest{Verbose: true})
	if err != nil {
		return false
	}
	var settings struct {
		Containerd struct {
			Runtimes map[string]struct {
				Options struct{ SystemdCgroup bool } `json:"options"`
			} `json:"runtimes"`
			Default string `json:"defaultRuntimeName"`
		} `json:"containerd"`
	}
	// What is not understood says nothing.
	_ = json.Unmarshal([]byte(status.GetInfo()["config"]), &settings)
	return settings.Containerd.Runtimes[settings.Containerd.Default].Options.SystemdCgroup
}
