package ns

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"os/exec"
	"path"
	"strings"
	"syscall"
	"time"

	"github.com/causeway-access/causeway/internal/podrun"
	"github.com/causeway-access/causeway/internal/podrun/ns/cgroup"
	"github.com/causeway-access/causeway/internal/podrun/ns/pod"
	"github.com/causeway-access/causeway/internal/podrun/ns/wire"
)

// sandboxState is what is kept of a sandbox.
type sandboxState struct {
	Config  podrun.SandboxConfig
	Created time.Time
	Address netip.Addr
	// Stopped says that its address is not its own any more.
	Stopped bool
}

// addresses are its one, or none with the node's network.
func (s sandboxState) addresses() []netip.Addr {
	if !s.Address.IsValid() {
		return nil
	}
	return []netip.Addr{s.Address}
}

// RunSandbox implements [podrun.Sandboxes].
func (r *Runtime) RunSandbox(ctx context.Context, config podrun.SandboxConfig) (string, error) {
	id := strings.ToLower(rand.Text()[:16])
	defer r.hold(id)()
	ctx, cancel := context.WithTimeout(ctx, r.config.StartTimeout)
	defer cancel()
	err := r.makeSandbox(ctx, id, config)
	if err != nil {
		// What was begun is removed whatever has become of ctx.
		err = errors.Join(err, r.erase(context.WithoutCancel(ctx), id))
		return "", fmt.Errorf("making the sandbox of %s/%s: %w", config.Namespace, config.Name, err)
	}
	return id, nil
}

func (r *Runtime) makeSandbox(ctx context.Context, id string, config podrun.SandboxConfig) error {
	state := sandboxState{Config: config, Created: time.Now()}
	if !config.HostNetwork {
		address, err := r.takeAddress(id)
		if err != nil {
			return err
		}
		state.Address = address
	}
	r.at("make the directory")
	if err := os.Mkdir(r.path(id), 0o700); err != nil {
		return err
	}
	r.at("write the files")
	if err := r.writeFiles(id, state); err != nil {
		return err
	}
	if err := os.Mkdir(r.path(id, wire.ContainersDir), 0o700); err != nil {
		return err
	}
	r.at("write the state")
	if err := wire.Save(r.path(id, wire.SandboxFile), state); err != nil {
		return err
	}
	r.at("make the control groups")
	if err := r.makeGroups(id, config.Resources); err != nil {
		return err
	}
	return r.startInit(ctx, id, state)
}

// makeGroups makes the pod's control groups with their limits: those of the whole
// are of its containers, its weight against other pods is the pod's.
func (r *Runtime) makeGroups(id string, whole podrun.Resources) error {
	crowd := path.Join(id, wire.Crowd)
	for _, group := range []string{path.Join(id, wire.Home), crowd} {
		if err := r.groups.Make(group); err != nil {
			return err
		}
	}
	if err := r.groups.Limit(id, podrun.Resources{CPUShares: whole.CPUShares}); err != nil {
		return err
	}
	whole.CPUShares = 0
	return r.groups.Limit(crowd, whole)
}

// startInit starts the pod's first process and waits until it is ready.
func (r *Runtime) startInit(ctx context.Context, id string, state sandboxState) error {
	setup, word, err := os.Pipe()
	if err != nil {
		return err
	}
	defer word.Close()
	status, told, err := os.Pipe()
	if err != nil {
		return err
	}
	defer status.Close()
	r.at("start the init process")
	process, err := r.fork(id, state.Config, setup, told)
	setup.Close()
	told.Close()
	if err != nil {
		return err
	}
	r.at("write its number")
	if err := wire.Save(r.path(id, wire.ProcessFile), process); err != nil {
		return err
	}
	r.at("join the control group")
	if err := r.groups.Join(path.Join(id, wire.Home), process.PID); err != nil {
		return err
	}
	r.at("make the interface")
	if state.Address.IsValid() {
		if err := r.connect(id, process.PID, state.Address); err != nil {
			return err
		}
	}
	r.at("give the word")
	if err := json.NewEncoder(word).Encode(r.setup(id, state)); err != nil {
		return fmt.Errorf("telling the pod's init process: %w", err)
	}
	r.at("wait until it is ready")
	stop := context.AfterFunc(ctx, func() { _ = status.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	heard, err := io.ReadAll(status)
	if err != nil {
		return fmt.Errorf("waiting for the pod's init process: %w", errors.Join(err, ctx.Err()))
	}
	r.at("ready")
	return pod.Failure(heard)
}

// fork starts the init process in new namespaces. It is reaped while this
// process lives, and by the system's init afterwards.
func (r *Runtime) fork(id string, config podrun.SandboxConfig, setup, told *os.File) (process, error) {
	log, err := os.OpenFile(r.path(id, wire.LogFile), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return process{}, err
	}
	defer log.Close()
	flags := syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWUTS
	if !config.HostNetwork {
		flags |= syscall.CLONE_NEWNET
	}
	if !config.HostIPC {
		flags |= syscall.CLONE_NEWIPC
	}
	cmd := &exec.Cmd{
		Path: r.config.Program, Args: []string{pod.Name, config.Namespace + "/" + config.Name},
		Dir: r.path(id), Env: []string{"GOMAXPROCS=2"}, Stdout: log, Stderr: log, ExtraFiles: []*os.File{setup, told},
		SysProcAttr: &syscall.SysProcAttr{Cloneflags: uintptr(flags), Setsid: true},
	}
	if err := cmd.Start(); err != nil {
		return process{}, fmt.Errorf("starting the pod's init process: %w", err)
	}
	// Nobody asks for its status: the state of containers is written elsewhere.
	go func() { _ = cmd.Wait() }()
	return processOf(cmd.Process.Pid)
}

func (r *Runtime) setup(id string, state sandboxState) wire.Setup {
	hostname := state.Config.Hostname
	if hostname == "" {
		hostname = state.Config.Name
	}
	if state.Config.HostNetwork {
		if own, err := os.Hostname(); err == nil {
			hostname = own
		}
	}
	return wire.Setup{
		Hostname: hostname[:min(len(hostname), 63)], // of a pod's name, as much as the kernel takes
		Address:  state.Address, Gateway: r.gateway(), Sysctls: state.Config.Sysctls,
		CgroupMount: cgroup.Mountpoint, CgroupParent: r.config.CgroupParent, Cgroup: id,
	}
}

// StopSandbox implements [podrun.Sandboxes].
func (r *Runtime) StopSandbox(ctx context.Context, id string) error {
	if valid(id) != nil {
		return nil
	}
	defer r.hold(id)()
	var state sandboxState
	err := wire.Load(r.path(id, wire.SandboxFile), &state)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err := r.halt(ctx, id); err != nil {
		return err
	}
	if state.Stopped || err != nil {
		return err
	}
	r.at("write that it has stopped")
	state.Stopped = true
	if err := wire.Save(r.path(id, wire.SandboxFile), state); err != nil {
		return err
	}
	r.giveAddress(id)
	return nil
}

// halt ends all of a sandbox that is not a file.
func (r *Runtime) halt(ctx context.Context, id string) error {
	r.at("kill the init process")
	var p process
	err := wire.Load(r.path(id, wire.ProcessFile), &p)
	if err == nil {
		err = p.kill(ctx)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("stopping the sandbox %s: %w", id, err)
	}
	r.at("remove the interface")
	if err := disconnect(id); err != nil {
		return err
	}
	r.at("remove the control groups")
	return r.groups.Remove(id)
}

// RemoveSandbox implements [podrun.Sandboxes].
func (r *Runtime) RemoveSandbox(ctx context.Context, id string) error {
	if valid(id) != nil {
		return nil
	}
	defer r.hold(id)()
	if err := r.erase(ctx, id); err != nil {
		return fmt.Errorf("removing the sandbox %s: %w", id, err)
	}
	r.mu.Lock()
	delete(r.sandboxes, id) // who still waits for it finds nothing to do
	r.mu.Unlock()
	return nil
}

// erase removes all of a sandbox. Its state goes first of the files: one
// without it is removed at the next start.
func (r *Runtime) erase(ctx context.Context, id string) error {
	if err := r.halt(ctx, id); err != nil {
		return err
	}
	r.at("remove the state")
	if err := os.Remove(r.path(id, wire.SandboxFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	r.giveAddress(id)
	r.at("remove the files")
	return os.RemoveAll(r.path(id))
}
