//go:build linux

package pod

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/causeway-access/causeway/internal/podrun"
	"github.com/causeway-access/causeway/internal/podrun/ns/cgroup"
	"github.com/causeway-access/causeway/internal/podrun/ns/seccomp"
	"github.com/causeway-access/causeway/internal/podrun/ns/wire"
)

// program is what is about to be executed in a container.
type program struct {
	spec *wire.Container
	args []string
	// stdio are its streams; nil is /dev/null. With tty they are the terminal.
	stdio [3]*os.File
	tty   bool
	entry *cgroup.Entry
}

// onThread runs f on a thread of its own, which ends with it: what f does to
// namespaces, capabilities and system calls ends, too, but for its children.
func onThread(f func() error) error {
	result := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread is thrown away
		if unix.Gettid() == unix.Getpid() {
			// But the first thread is not: it stays as it was, and occupied
			// until another has done it.
			err := onThread(f)
			runtime.UnlockOSThread()
			result <- err
			return
		}
		result <- f()
	}()
	return <-result
}

// start executes the program. The calling thread is in the container's mounts
// and loses its rights here; it is thrown away afterwards.
func (p *program) start() (int, error) {
	who, err := accountOf(p.spec)
	if err != nil {
		return 0, err
	}
	env := p.environment(who)
	dir := p.spec.WorkingDir
	if dir == "" {
		dir = "/"
	}
	path, err := lookPath(p.args, dir, env)
	if err != nil {
		return 0, err
	}
	if err := ensure(dir, true); err != nil {
		return 0, fmt.Errorf("%w: working directory %s: %w", podrun.ErrCannotStart, dir, err)
	}
	null, err := os.OpenFile("/dev/null", os.O_RDWR, 0)
	if err != nil {
		return 0, err
	}
	defer null.Close()
	if err := p.restrict(); err != nil {
		return 0, err
	}
	attr := &syscall.ProcAttr{Dir: dir, Env: env, Sys: &syscall.SysProcAttr{
		Credential: &who.Credential, Setsid: true, Setctty: p.tty,
	}}
	for _, f := range p.stdio {
		if f == nil {
			f = null
		}
		attr.Files = append(attr.Files, f.Fd())
	}
	var pid int
	err = p.entry.Within(func() error {
		pid, err = syscall.ForkExec(path, p.args, attr)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("%w: exec %q: %w", podrun.ErrCannotStart, p.args[0], err)
	}
	return pid, nil
}

// restrict takes the rights that the program is not to have from the thread.
func (p *program) restrict() error {
	security := p.spec.Config.Security
	given, err := capabilities(security)
	if err != nil {
		return err
	}
	if err := bound(given); err != nil {
		return err
	}
	if security.NoNewPrivileges {
		if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
			return fmt.Errorf("setting no_new_privs: %w", err)
		}
	}
	if security.Privileged || security.UnconfinedSeccomp {
		return nil
	}
	return seccomp.Load(given)
}

// environment adds what a program expects and the pod did not say. Of several
// of one name the last stands alone: programs differ in which they take.
func (p *program) environment(who account) []string {
	var env []string
	for i, e := range p.spec.Env {
		name, _, _ := strings.Cut(e, "=")
		if variableAt(p.spec.Env, name) == i {
			env = append(env, e)
		}
	}
	defaults := []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=" + who.home}
	if p.tty {
		defaults = append(defaults, "TERM=xterm")
	}
	for _, d := range defaults {
		name, _, _ := strings.Cut(d, "=")
		if variableAt(env, name) < 0 {
			env = append(env, d)
		}
	}
	return env
}

// variable is the value of the last of that name.
func variable(env []string, name string) string {
	if i := variableAt(env, name); i >= 0 {
		return env[i][len(name)+1:]
	}
	return ""
}

// variableAt is the place of the last of that name, or -1.
func variableAt(env []string, name string) int {
	for i := len(env) - 1; i >= 0; i-- {
		if strings.HasPrefix(env[i], name+"=") {
			return i
		}
	}
	return -1
}

// lookPath finds a program in the container's own PATH.
func lookPath(args []string, dir string, env []string) (string, error) {
	if len(args) == 0 || args[0] == "" {
		return "", fmt.Errorf("%w: no command specified", podrun.ErrCannotStart)
	}
	name := args[0]
	candidates := []string{name}
	if !strings.Contains(name, "/") {
		candidates = nil
		for _, d := range filepath.SplitList(variable(env, "PATH")) {
			candidates = append(candidates, filepath.Join(dir, d, name))
			if filepath.IsAbs(d) {
				candidates[len(candidates)-1] = filepath.Join(d, name)
			}
		}
	} else if !filepath.IsAbs(name) {
		candidates = []string{filepath.Join(dir, name)}
	}
	reason := "executable file not found in $PATH"
	for _, path := range candidates {
		info, err := os.Stat(path)
		switch {
		case err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0:
			return path, nil
		case err == nil:
			reason = "permission denied"
		case len(candidates) == 1:
			reason = errors.Unwrap(err).Error()
		}
	}
	return "", fmt.Errorf("%w: exec: %q: %s", podrun.ErrCannotStart, name, reason)
}
