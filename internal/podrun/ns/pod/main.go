//go:build linux

package pod

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/causeway-access/causeway/internal/podrun/ns/cgroup"
	"github.com/causeway-access/causeway/internal/podrun/ns/wire"
)

// Name is the name by which a program is called as the init process of a pod.
const Name = "causeway-pod"

// Files that the init process is started with, beside a log as its output. Its
// working directory is the sandbox's.
const (
	setupFile  = 3 // Setup is read from it
	statusFile = 4 // what went wrong is written to it, or nothing
)

// Main is the whole process if it is called as [Name]: then it does not
// return. A program that starts pods calls it first of all, by importing
// package early.
func Main(args []string) {
	if len(args) == 0 || args[0] != Name {
		return
	}
	status := os.NewFile(statusFile, "status")
	unix.CloseOnExec(statusFile)
	l, s, err := prepare()
	if err != nil {
		fmt.Fprint(status, err)
		os.Exit(1)
	}
	fmt.Fprint(status, ready)
	status.Close()
	// This process lives long and does little: its memory counts, as often as
	// there are pods.
	debug.SetGCPercent(20)
	debug.FreeOSMemory()
	// Not here: during initialisation this goroutine is bound to its thread, and
	// each connection would wake it by another.
	go func() {
		s.serve(l)
		os.Exit(0)
	}()
	select {}
}

// ready is what the agent hears if all went well.
const ready = "ready"

// Failure is what the agent has heard on the status pipe; nil if the pod is ready.
func Failure(heard []byte) error {
	switch string(heard) {
	case ready:
		return nil
	case "":
		return fmt.Errorf("the pod's init process ended before it was ready")
	}
	return fmt.Errorf("the pod's init process: %s", heard)
}

// prepare waits for the agent's word and makes the place.
func prepare() (*net.UnixListener, *server, error) {
	// A pod may end its first process by a signal that it does not take: all
	// are taken, and but one dropped.
	signal.Notify(make(chan os.Signal, 1))
	children := make(chan os.Signal, 1)
	signal.Notify(children, unix.SIGCHLD)
	unix.CloseOnExec(setupFile)
	pipe := os.NewFile(setupFile, "setup")
	var setup wire.Setup
	if err := json.NewDecoder(pipe).Decode(&setup); err != nil {
		return nil, nil, fmt.Errorf("the agent did not say what to do: %w", err)
	}
	pipe.Close()
	dir, err := os.Getwd()
	if err != nil {
		return nil, nil, err
	}
	for _, step := range []func() error{
		func() error { return mountOwn(dir) },
		func() error { return hostname(setup.Hostname) },
		func() error { return configureNetwork(setup) },
		func() error { return sysctls(setup.Sysctls) },
	} {
		if err := step(); err != nil {
			return nil, nil, err
		}
	}
	l, err := wire.Listen(dir, wire.Socket)
	if err != nil {
		return nil, nil, err
	}
	s := &server{
		dir: dir, setup: setup, containers: map[string]*container{},
		groups: cgroup.Find(setup.CgroupMount, setup.CgroupParent),
	}
	go s.reaper.run(children)
	return l, s, nil
}

// mountOwn gives this process mounts that the node does not see: what the
// kernel shows of the pod, and the memory that its containers share. They are
// made here for all containers, since in a user namespace the kernel shows
// something new only where what is old can be seen.
func mountOwn(dir string) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_SLAVE, ""); err != nil {
		return fmt.Errorf("separating the mounts: %w", err)
	}
	for _, m := range []struct{ kind, options string }{{"proc", ""}, {"sysfs", ""}, {"tmpfs", "mode=1777,size=65536k"}} {
		target := filepath.Join(dir, m.kind)
		if err := os.MkdirAll(target, 0o700); err != nil {
			return err
		}
		if err := unix.Mount(m.kind, target, m.kind, quiet, m.options); err != nil {
			return fmt.Errorf("mounting %s: %w", m.kind, err)
		}
	}
	return nil
}

func hostname(name string) error {
	if err := unix.Sethostname([]byte(name)); err != nil {
		return fmt.Errorf("setting the host name %q: %w", name, err)
	}
	return nil
}

func sysctls(settings map[string]string) error {
	for name, value := range settings {
		path := filepath.Join("/proc/sys", strings.ReplaceAll(name, ".", "/"))
		if err := os.WriteFile(path, []byte(value), 0); err != nil {
			return fmt.Errorf("setting the sysctl %s: %w", name, err)
		}
	}
	return nil
}

// exitCode is that of a program which ended so, as shells count.
func exitCode(status syscall.WaitStatus) int {
	if status.Signaled() {
		return 128 + int(status.Signal())
	}
	return status.ExitStatus()
}
