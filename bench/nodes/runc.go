package nodes

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// measureRunc starts containers as a runtime does at the least: no network, no
// image but a directory, nobody who waits.
func (b *bench) measureRunc(ctx context.Context) error {
	bundle, err := b.bundle()
	if err != nil {
		return err
	}
	defer os.RemoveAll(bundle)
	runc := func(args ...string) (time.Duration, error) {
		cmd := exec.CommandContext(ctx, "runc", append([]string{"--root", "/run/runc-bench"}, args...)...)
		cmd.Stderr = os.Stderr // a file: the container goes on with it
		begun := time.Now()
		if err := cmd.Run(); err != nil {
			return 0, fmt.Errorf("runc %v: %w", args, err)
		}
		return time.Since(begun), nil
	}
	for n := range b.Single {
		name := fmt.Sprintf("bench-%d-%d", os.Getppid(), n)
		started, err := runc("run", "--detach", "--bundle", bundle, name)
		if err != nil {
			return err
		}
		command, err := runc("exec", name, "/pod", "true")
		if err != nil {
			return err
		}
		gone, err := runc("delete", "--force", name)
		if err != nil {
			return err
		}
		b.add(oneByOne, Runc, "until Running", "ms", ms(started))
		b.add(oneByOne, Runc, "until it is gone", "ms", ms(gone))
		b.add(commands, Runc, "round trip", "ms", ms(command))
	}
	return nil
}

// bundle is a directory as runc takes it, with the settings that it proposes.
func (b *bench) bundle() (string, error) {
	dir := filepath.Join(b.Dir, "bundle")
	root := filepath.Join(dir, "rootfs")
	if err := os.MkdirAll(root, 0o755); err != nil {
		return "", err
	}
	program, err := os.ReadFile(b.Pod)
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(root, "pod"), program, 0o755); err != nil {
		return "", err
	}
	if out, err := exec.Command("runc", "spec", "--bundle", dir).CombinedOutput(); err != nil {
		return "", fmt.Errorf("runc spec: %w\n%s", err, out)
	}
	path := filepath.Join(dir, "config.json")
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	var settings map[string]any
	if err := json.Unmarshal(text, &settings); err != nil {
		return "", err
	}
	process := settings["process"].(map[string]any)
	process["terminal"], process["args"] = false, []string{"/pod", "wait"}
	if text, err = json.Marshal(settings); err != nil {
		return "", err
	}
	return dir, os.WriteFile(path, text, 0o600)
}
