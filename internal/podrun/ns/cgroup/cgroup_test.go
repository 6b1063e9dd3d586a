//go:build linux

package cgroup

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-access/causeway/internal/podrun"
)

// hierarchy makes directories and files as the kernel shows them.
func hierarchy(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func contents(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, want := range files {
		if got, err := read(dir, name); err != nil || got != want {
			t.Errorf("%s: %q, %v, want %q", name, got, err, want)
		}
	}
}

var resources = podrun.Resources{MilliCPU: 250, CPUShares: 512, Memory: 1 << 20, Processes: 7}

func TestVersion2IsLimitedAndCounted(t *testing.T) {
	dir := hierarchy(t, map[string]string{
		"cgroup.controllers": "cpu memory pids", "top/cgroup.controllers": "cpu memory pids", "top/pod/cgroup.controllers": "cpu memory pids",
		"top/pod/cpu.max": "", "top/pod/cpu.weight": "", "top/pod/memory.max": "", "top/pod/memory.swap.max": "", "top/pod/pids.max": "",
		"top/pod/cpu.stat": "usage_usec 1500\nuser_usec 1\n", "top/pod/memory.current": "1000\n",
		"top/pod/memory.stat": "anon 1\ninactive_file 400\n", "top/pod/pids.current": "3\n", "top/pod/memory.events": "oom 2\noom_kill 1\n",
	})
	r := Find(dir, "top")
	if err := r.Make("pod/init"); err != nil {
		t.Fatal(err)
	}
	if err := r.Limit("pod", resources); err != nil {
		t.Fatal(err)
	}
	contents(t, filepath.Join(dir, "top/pod"), map[string]string{
		"cpu.max": "25000 100000", "cpu.weight": "20", "memory.max": "1048576", "memory.swap.max": "0", "pids.max": "7",
	})
	want := podrun.Stats{CPU: 1500 * time.Microsecond, Memory: 600, Processes: 3}
	if diff := cmp.Diff(want, r.Stats("pod")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if r.Kills("pod") != 1 || r.Missing() != nil {
		t.Errorf("kills %d, missing %v", r.Kills("pod"), r.Missing())
	}
}

func TestVersion1IsLimitedAndCounted(t *testing.T) {
	dir := hierarchy(t, map[string]string{
		"cpu/tasks": "", "memory/tasks": "", "cpuacct/tasks": "",
		"memory/top/pod/memory.usage_in_bytes": "1000", "memory/top/pod/memory.stat": "total_inactive_file 400",
		"memory/top/pod/memory.oom_control": "oom_kill_disable 0\noom_kill 2", "cpuacct/top/pod/cpuacct.usage": "1500",
	})
	r := Find(dir, "top")
	if diff := cmp.Diff([]string{"pids"}, r.Missing()); diff != "" {
		t.Errorf("missing (-want +got):\n%s", diff)
	}
	if err := r.Make("pod"); err != nil {
		t.Fatal(err)
	}
	// A kernel's directory has the files already.
	for _, name := range []string{"cpu/top/pod/cpu.cfs_period_us", "cpu/top/pod/cpu.cfs_quota_us", "cpu/top/pod/cpu.shares", "memory/top/pod/memory.limit_in_bytes"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Limit("pod", resources); err != nil {
		t.Fatal(err)
	}
	contents(t, filepath.Join(dir, "cpu/top/pod"), map[string]string{"cpu.cfs_period_us": "100000", "cpu.cfs_quota_us": "25000", "cpu.shares": "512"})
	contents(t, filepath.Join(dir, "memory/top/pod"), map[string]string{"memory.limit_in_bytes": "1048576"})
	want := podrun.Stats{CPU: 1500, Memory: 600}
	if diff := cmp.Diff(want, r.Stats("pod")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if r.Kills("pod") != 2 || r.Groups()[0] != "pod" {
		t.Errorf("kills %d, groups %v", r.Kills("pod"), r.Groups())
	}
}

func TestWithoutControlGroupsNothingIsLimited(t *testing.T) {
	r := Find(t.TempDir(), "top")
	if err := r.Make("pod"); err != nil {
		t.Error(err)
	}
	if err := r.Limit("pod", resources); err != nil {
		t.Error(err)
	}
	e, err := r.Open("pod", "init")
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	ran := false
	if err := e.Within(func() error { ran = true; return nil }); err != nil || !ran {
		t.Error(err, ran)
	}
	if err := r.Remove("pod"); err != nil {
		t.Error(err)
	}
	if len(r.Missing()) != len(used) {
		t.Errorf("missing: %v", r.Missing())
	}
}
