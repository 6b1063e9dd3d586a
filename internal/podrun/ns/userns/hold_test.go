//go:build linux

package userns

import (
	"bufio"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/causeway-access/causeway/internal/podrun/ns/wire"
)

// asker asks the holder's loop, which runs in this process, for one program.
type asker struct {
	*wire.Conn
	t     *testing.T
	in    *os.File      // its standard input
	out   *bufio.Reader // standard output and standard error
	ended chan struct{} // closed when the holder is free for the next
}

// ask has the shell run a script.
func ask(t *testing.T, script string, env ...string) *asker {
	t.Helper()
	a := attended(t)
	shell, err := os.Open("/bin/sh")
	must(t, err)
	a.order(order{Args: []string{"sh", "-c", script}, Env: env}, shell)
	if r := a.report(); !r.Started || r.Error != "" {
		t.Fatalf("the program is not started: %+v", r)
	}
	return a
}

// attended is a connection that is attended to until the test ends.
func attended(t *testing.T) *asker {
	t.Helper()
	near, far, err := Sockets()
	must(t, err)
	theirs, err := wireOf(far)
	must(t, err)
	ours, err := wireOf(near)
	must(t, err)
	a := &asker{Conn: ours, t: t, ended: make(chan struct{})}
	go func() { defer close(a.ended); attend(theirs) }()
	t.Cleanup(func() { a.Close(); <-a.ended })
	return a
}

// order sends an order for the program in a file, which it closes.
func (a *asker) order(o order, program *os.File) {
	a.t.Helper()
	in, stdin, err := os.Pipe()
	must(a.t, err)
	out, stdout, err := os.Pipe()
	must(a.t, err)
	must(a.t, a.Send(o, program, in, stdout, stdout))
	for _, f := range []*os.File{program, in, stdout} {
		must(a.t, f.Close())
	}
	a.in, a.out = stdin, bufio.NewReader(out)
	a.t.Cleanup(func() { stdin.Close(); out.Close() })
}

func (a *asker) report() (r report) {
	a.t.Helper()
	_, err := a.Receive(&r)
	must(a.t, err)
	return r
}

// says waits for a line of the program's.
func (a *asker) says(want string) {
	a.t.Helper()
	if got, err := a.out.ReadString('\n'); err != nil || got != want+"\n" {
		a.t.Fatalf("the program says %q, %v; want %q", got, err, want)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestTheHolderRunsAProgramAndTellsItsEnd(t *testing.T) {
	a := ask(t, `read line; echo "$WHO: $line from $PWD"; echo trouble >&2; exit 3`, "WHO=somebody")
	_, err := io.WriteString(a.in, "hello\n")
	must(t, err)
	a.says("somebody: hello from /")
	a.says("trouble")
	if r := a.report(); r != (report{Status: 3}) {
		t.Errorf("its end is %+v, want status 3", r)
	}
	<-a.ended
}

func TestTheHolderPassesSignalsOn(t *testing.T) {
	for signal, want := range map[syscall.Signal]int{syscall.SIGTERM: 5, syscall.SIGKILL: 128 + 9} {
		a := ask(t, `trap 'exit 5' TERM; echo ready; while :; do read line; done`)
		a.says("ready")
		go func() { // so that the shell looks at its traps
			for {
				if _, err := io.WriteString(a.in, "go on\n"); err != nil {
					return
				}
			}
		}()
		must(t, a.Send(order{Signal: signal}))
		if r := a.report(); r.Status != want {
			t.Errorf("after %v its end is %+v, want status %d", signal, r, want)
		}
		<-a.ended
	}
}

// A program ends with who has asked for it, or its namespaces would never.
func TestTheHoldersProgramEndsWithItsAsker(t *testing.T) {
	a := ask(t, `echo ready; exec sleep 1000000`)
	a.says("ready")
	must(t, a.Close())
	<-a.ended
	if rest, err := io.ReadAll(a.out); err != nil || len(rest) > 0 { // until nobody has it any more
		t.Errorf("then came %q, %v", rest, err)
	}
}

func TestTheHolderSaysWhatItCannotRun(t *testing.T) {
	a := attended(t)
	must(t, a.Send(order{Args: []string{"sh"}}))
	if r := a.report(); r.Started || !strings.Contains(r.Error, "want a program") {
		t.Errorf("an order without files: %+v", r)
	}
	<-a.ended
	a = attended(t)
	text, err := os.Open("/proc/self/status")
	must(t, err)
	a.order(order{Args: []string{"text"}}, text)
	if r := a.report(); r.Started || r.Error == "" {
		t.Errorf("an order for a file that is no program: %+v", r)
	}
	<-a.ended
}
