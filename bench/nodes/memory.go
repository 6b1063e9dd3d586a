package nodes

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/causeway-access/causeway/bench/proc"
)

// memory is what the processes of the node have for themselves, in bytes:
// agents, among them containerd, and what is there for pods beside their own
// programs.
type memory struct{ agents, pods int64 }

func (c *cluster) memory() (memory, error) {
	var m memory
	for _, pid := range []int{c.cmd.Process.Pid, c.b.daemon} {
		if pid == 0 {
			continue
		}
		of, err := proc.MemoryOf(pid)
		if err != nil {
			return m, err
		}
		m.agents += of.Own
	}
	pids, err := keepers()
	for _, pid := range pids {
		if of, err := proc.MemoryOf(pid); err == nil { // it may end meanwhile
			m.pods += of.Own
		}
	}
	return m, err
}

// keepers are the processes that keep pods, without the pods' own programs: the
// init processes of Causeway, containerd's shims, and the first processes of its
// sandboxes.
func keepers() ([]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		line, _ := os.ReadFile(filepath.Join("/proc", e.Name(), "cmdline"))
		words := bytes.Split(bytes.TrimSuffix(line, []byte{0}), []byte{0})
		name := filepath.Base(string(words[0]))
		if slices.Contains([]string{"causeway-pod", "containerd-shim-runc-v2"}, name) || name == "pod" && len(words) == 1 {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}
