//go:build host

package walkthrough

import (
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"
)

// work is what several people do at once through the local proxy, again and
// again. No error may come of any of it.
type work struct {
	stopped atomic.Bool
	all     sync.WaitGroup
	loops   []*loop
}

// loop is one person's; rounds counts what is done.
type loop struct {
	name   string
	do     func() error
	rounds atomic.Int64
}

// paths are read in loops: a small answer, a list, and discovery, which is long.
var paths = []string{
	"/api/v1/namespaces/default/services/kubernetes",
	"/apis/rbac.authorization.k8s.io/v1/clusterroles",
	"/apis",
	"/openapi/v3",
}

// commands are typed one after the other.
var commands = [][]string{
	{"get", "services", "--all-namespaces"},
	{"describe", "service", "kubernetes"},
	{"get", "--raw", "/readyz"},
	{"api-resources"},
}

// kubectl is a command that goes through the proxy.
func (p *localProxy) kubectl(args ...string) *exec.Cmd {
	return p.command("kubectl", append([]string{"--server", p.url}, args...)...)
}

// beginWork has everybody begin.
func (p *localProxy) beginWork(t *testing.T) *work {
	t.Helper()
	w := &work{}
	for _, path := range paths {
		w.loops = append(w.loops, &loop{name: "GET " + path, do: func() error {
			_, err := p.get(path)
			return err
		}})
	}
	next := 0
	w.loops = append(w.loops, &loop{name: "kubectl", do: func() error {
		cmd := p.kubectl(commands[next%len(commands)]...)
		next++
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("%v: %v\n%s", cmd.Args, err, out)
		}
		return nil
	}})
	for _, l := range w.loops {
		w.all.Go(func() {
			for !w.stopped.Load() {
				if err := l.do(); err != nil {
					t.Errorf("%s, after %d good rounds: %v", l.name, l.rounds.Load(), err)
				}
				l.rounds.Add(1)
			}
		})
	}
	t.Cleanup(func() { w.end(t) })
	w.goesOn(t)
	return w
}

// fewRounds are enough to see that work goes on.
const fewRounds = 2

// goesOn waits until everybody has done some more.
func (w *work) goesOn(t *testing.T) {
	t.Helper()
	for _, l := range w.loops {
		enough := l.rounds.Load() + fewRounds
		eventuallyTrue(t, l.name+" goes on", func() bool { return t.Failed() || l.rounds.Load() >= enough })
	}
	if t.Failed() {
		t.FailNow()
	}
}

// end waits until everybody has stopped.
func (w *work) end(t *testing.T) {
	t.Helper()
	w.stopped.Store(true)
	w.all.Wait()
	for _, l := range w.loops {
		t.Logf("%s: %d rounds", l.name, l.rounds.Load())
	}
}
