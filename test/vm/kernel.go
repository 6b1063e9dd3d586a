//go:build linux

package vm

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// kernel is one that hack/test-deps.sh has unpacked: nothing of it is installed.
type kernel struct {
	dir     string // that has boot and lib/modules
	version string
}

func findKernel() (kernel, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return kernel{}, fmt.Errorf("looking for a kernel: %w", err)
	}
	dir := filepath.Join(cache, "causeway-test", "linux")
	found, _ := filepath.Glob(filepath.Join(dir, "boot", "vmlinuz-*"))
	if len(found) == 0 {
		return kernel{}, fmt.Errorf("no kernel in %s: hack/test-deps.sh unpacks one there", dir)
	}
	return kernel{dir: dir, version: strings.TrimPrefix(filepath.Base(found[len(found)-1]), "vmlinuz-")}, nil
}

func (k kernel) image() string { return filepath.Join(k.dir, "boot", "vmlinuz-"+k.version) }

// needed is what the machine's root is mounted by.
var needed = []string{"virtio_pci", "9pnet_virtio", "9p", "overlay"}

// modules are the files of the needed ones, each after those it depends on.
func (k kernel) modules() ([]string, error) {
	args := append([]string{"--dirname", k.dir, "--set-version", k.version, "--show-depends", "--all"}, needed...)
	out, err := sbin("modprobe", args...).Output()
	if err != nil {
		return nil, fmt.Errorf("asking modprobe what %s need: %w%s", needed, err, stderr(err))
	}
	var files []string
	seen := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		// Lines are "insmod PATH" and "builtin NAME".
		if kind, path, _ := strings.Cut(strings.TrimSpace(line), " "); kind == "insmod" && !seen[path] {
			seen[path] = true
			files = append(files, strings.TrimSpace(path))
		}
	}
	return files, nil
}

// root writes what the machine starts from into dir and packs it as initrd.
func (k kernel) root(dir, initrd, task string, groups int) error {
	modules, err := k.modules()
	if err != nil {
		return err
	}
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		return fmt.Errorf("%w: install busybox-static (hack/test-deps.sh)", err)
	}
	var order bytes.Buffer
	copies := map[string]string{"bin/busybox": busybox}
	for _, path := range modules {
		fmt.Fprintln(&order, filepath.Base(path))
		copies[filepath.Join("modules", filepath.Base(path))] = path
	}
	files := map[string][]byte{
		"init": initScript, "task": []byte(task), "kernel": []byte(k.dir), "groups": fmt.Append(nil, groups), "modules/order": order.Bytes(),
	}
	for to, from := range copies {
		if files[to], err = os.ReadFile(from); err != nil {
			return err
		}
	}
	var names bytes.Buffer
	for _, d := range []string{"bin", "modules"} {
		fmt.Fprintln(&names, d)
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			return err
		}
	}
	for name, data := range files {
		fmt.Fprintln(&names, name)
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o755); err != nil {
			return err
		}
	}
	pack := exec.Command(busybox, "cpio", "-o", "-H", "newc", "-F", initrd)
	pack.Dir, pack.Stdin = dir, &names
	if out, err := pack.CombinedOutput(); err != nil {
		return fmt.Errorf("packing what the machine starts from: %w: %s", err, out)
	}
	return nil
}

// sbin is a program that not every user has in PATH.
func sbin(name string, args ...string) *exec.Cmd {
	if path := filepath.Join("/sbin", name); exists(path) {
		name = path
	}
	return exec.Command(name, args...)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func stderr(err error) string {
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return ": " + strings.TrimSpace(string(exit.Stderr))
	}
	return ""
}
