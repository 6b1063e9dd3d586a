//go:build host && root

package walkthrough

import (
	"errors"
	"hash/fnv"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/causeway-access/causeway/test/stepwise"
)

// victim is a node's agent that is killed again and again, and started again at
// once. Where it is killed is for others to say.
type victim struct {
	t *testing.T
	// command makes the next agent; dir is the node's directory.
	command func() *exec.Cmd
	dir     string
	seed    uint64
	// share of the steps, in percent, at which it is killed.
	share uint64

	mu sync.Mutex
	// seen are the steps until now; left is at how many more it may be killed now.
	seen map[string]bool
	left int
	// killed are the steps at which it was, since the last look.
	killed  []string
	current *exec.Cmd
	ended   chan struct{}
	ending  bool
	runs    []*stepwise.Run
}

// live starts agents one after the other until the victim is let go.
func (v *victim) live() {
	v.ended = make(chan struct{})
	go func() {
		defer close(v.ended)
		for !v.once() {
		}
	}()
}

// once is the life of one agent. It says whether it was the last.
func (v *victim) once() (last bool) {
	cmd := v.command()
	run, err := stepwise.Prepare(cmd, v.before)
	if err != nil {
		v.t.Error(err)
		return true
	}
	output := &transcript{done: true}
	defer func() {
		if v.t.Failed() && output.String() != "" {
			v.t.Logf("an agent wrote:\n%s", output)
		}
	}()
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = output, output, time.Second
	v.mu.Lock()
	if v.ending {
		v.mu.Unlock()
		return true
	}
	err = cmd.Start()
	run.Started()
	v.current, v.runs = cmd, append(v.runs, run)
	v.mu.Unlock()
	if err != nil {
		v.t.Error(err)
		return true
	}
	err = cmd.Wait()
	v.mu.Lock()
	defer v.mu.Unlock()
	v.current = nil
	if status := cmd.ProcessState.Sys().(syscall.WaitStatus); v.ending || status.Signaled() && status.Signal() == syscall.SIGKILL {
		return v.ending
	}
	v.t.Errorf("the agent ended by itself: %v\n%s", err, output)
	return true
}

// kill kills the agent that runs now.
func (v *victim) kill() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.current != nil {
		_ = v.current.Process.Kill() // it may have ended just now
	}
}

// end lets the agent end as it should, and waits until nothing is left of any.
func (v *victim) end() error {
	v.mu.Lock()
	v.ending = true
	if v.current != nil {
		_ = v.current.Process.Signal(syscall.SIGTERM)
	}
	runs := v.runs
	v.mu.Unlock()
	late := time.After(patience)
	select {
	case <-v.ended:
	case <-late:
		v.kill()
		return errors.New("the agent did not end")
	}
	for _, r := range runs {
		select {
		case <-r.Left(): // an error is that of one who was killed before he began
		case <-late:
			return errors.New("something that an agent has started still runs")
		}
	}
	return nil
}

// before says whether the agent is killed at a step: at each but once.
func (v *victim) before(s stepwise.Step) bool {
	name := v.name(s)
	if name == "" {
		return false
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.left == 0 || v.seen[name] {
		return false
	}
	v.seen[name] = true
	if !v.chosen(name) {
		return false
	}
	v.left--
	v.killed = append(v.killed, name)
	return true
}

// chosen says whether a step is among those at which the agent is killed.
func (v *victim) chosen(name string) bool {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))
	return rand.New(rand.NewPCG(v.seed, h.Sum64())).Uint64N(100) < v.share
}

// Names that differ from life to life, and what stands for them.
var fresh = []struct {
	pattern *regexp.Regexp
	name    string
}{
	{regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`), "UID"},
	{regexp.MustCompile(`sha256[:-][0-9a-f]{64}`), "IMAGE"},
	{regexp.MustCompile(`/[a-z2-7]{16}\b`), "/ID"},
	{regexp.MustCompile(`/sys/fs/cgroup/.*causeway-[0-9a-f]{8}`), "group of pods"},
	{regexp.MustCompile(`\.\.[0-9_]{19}\.[0-9]+`), "..STAMP"},
	{regexp.MustCompile(`life-[0-9]+`), "NAME"},
	{regexp.MustCompile(`kube-api-access-[0-9a-z]{5}`), "kube-api-access"},
	{regexp.MustCompile(`(\.new-|\.tmp|\.)[0-9]{4,}`), "$1*"},
}

// name is that of a step which counts, the same for each pod; else empty.
func (v *victim) name(s stepwise.Step) string {
	switch {
	case s.Call == "send" && strings.HasPrefix(s.What, "netlink 0, "):
		// Of each kind of thing the kernel numbers new, delete, get and set.
		if kind := s.What[len(s.What)-2:]; len(kind) == 2 && (kind[1]-'0'+2*(kind[0]-'0'))%4 == 2 {
			return ""
		}
	case s.Call == "send":
		if s.What == "" {
			return ""
		}
	case s.Call == "make namespaces", s.Call == "signal":
	case strings.HasPrefix(s.What, v.dir+"/"), strings.HasPrefix(s.What, "/sys/fs/cgroup/"):
	default:
		return ""
	}
	name := strings.TrimPrefix(s.String(), filepath.Dir(v.dir))
	name = strings.ReplaceAll(name, v.dir, "")
	for _, f := range fresh {
		name = f.pattern.ReplaceAllString(name, f.name)
	}
	if !s.Own {
		name = "pod: " + name
	}
	return name
}

// may says at how many steps from now on the agent may be killed.
func (v *victim) may(times int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.left = times
}

// sofar are the steps at which the agent was killed since they were told.
func (v *victim) sofar() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.killed)
}

// told returns the steps at which the agent was killed since it was last asked.
func (v *victim) told() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	killed := v.killed
	v.killed = nil
	return killed
}
