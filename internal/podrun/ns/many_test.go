//go:build linux && host

package ns

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/causeway-access/causeway/internal/podrun"
	"github.com/causeway-access/causeway/internal/podrun/ns/wire"
	"github.com/causeway-access/causeway/test/inside"
)

// run brings a pod of the host image to where its shell runs.
func run(ctx context.Context, r *Runtime, name string) (sandbox, container string, err error) {
	sandbox, err = r.RunSandbox(ctx, podrun.SandboxConfig{Namespace: "default", Name: name})
	if err != nil {
		return "", "", err
	}
	container, err = r.CreateContainer(ctx, sandbox, podrun.ContainerConfig{
		Name: "main", Image: podrun.HostImage, Command: []string{"sleep", "1000"},
	})
	if err == nil {
		err = r.StartContainer(ctx, container)
	}
	return sandbox, container, err
}

// proportional is the memory of a process in bytes, what is shared divided by
// those who share it.
func proportional(pid int) int {
	data, _ := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	for line := range bytes.Lines(data) {
		if fields := strings.Fields(string(line)); fields[0] == "Pss:" {
			kib, _ := strconv.Atoi(fields[1])
			return kib << 10
		}
	}
	return 0
}

// CAUSEWAY_TEST_PODS is how many there are beside the first, and
// CAUSEWAY_POD_PROGRAM what they are run by, for measurements.
func TestManyPodsRunAtOnce(t *testing.T) {
	if !inside.Namespaces(t) {
		return
	}
	config := testConfig(t)
	config.Program = os.Getenv("CAUSEWAY_POD_PROGRAM")
	r := open(t, config)
	began := time.Now()
	_, container, err := run(t.Context(), r, "first")
	if err != nil {
		t.Fatal(err)
	}
	t.Log("the first pod ran after", time.Since(began))
	began = time.Now()
	for range 20 {
		if code, err := r.Exec(t.Context(), container, podrun.Command{Args: []string{"true"}}, podrun.Stdio{}); code != 0 || err != nil {
			t.Fatal(code, err)
		}
	}
	t.Log("a command takes", time.Since(began)/20)
	pods := 19
	if text := os.Getenv("CAUSEWAY_TEST_PODS"); text != "" {
		if pods, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	began = time.Now()
	var all sync.WaitGroup
	for i := range pods {
		all.Go(func() {
			if _, _, err := run(t.Context(), r, fmt.Sprintf("pod-%d", i)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	t.Log(pods, "pods at once ran after", time.Since(began))
	list, err := r.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	addresses, memory := map[string]bool{}, 0
	for _, s := range list {
		if !s.Ready || s.Containers[0].State != podrun.Running {
			t.Errorf("not running: %+v", s)
		}
		addresses[s.IPs[0].String()] = true
		var p process
		if err := wire.Load(r.path(s.ID, wire.ProcessFile), &p); err != nil {
			t.Fatal(err)
		}
		memory += proportional(p.PID)
	}
	if len(addresses) != pods+1 {
		t.Errorf("%d pods have %d addresses", pods+1, len(addresses))
	}
	t.Log("an init process has", memory/len(list)>>10, "KiB")
	began = time.Now()
	for _, s := range list {
		all.Go(func() {
			if err := r.RemoveSandbox(t.Context(), s.ID); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	t.Log("they were removed after", time.Since(began))
}
