package suite

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/causeway-access/causeway/internal/podrun"
)

// buffer may be read while it is written.
type buffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func testExec(t *testing.T, p *pod) {
	id := p.start("sleep 1000")
	var out, errs strings.Builder
	code, err := p.Exec(t.Context(), id, podrun.Command{Args: []string{"sh", "-c", "cat; echo two >&2; exit 9"}},
		podrun.Stdio{Stdin: strings.NewReader("one\n"), Stdout: &out, Stderr: &errs})
	if err != nil || code != 9 || out.String() != "one\n" || errs.String() != "two\n" {
		t.Errorf("%q, %q, %d, %v", &out, &errs, code, err)
	}
	var large bytes.Buffer
	sent := bytes.Repeat([]byte("0123456789abcdef"), 1<<18)
	code, err = p.Exec(t.Context(), id, podrun.Command{Args: []string{"cat"}}, podrun.Stdio{Stdin: bytes.NewReader(sent), Stdout: &large})
	if err != nil || code != 0 || !bytes.Equal(large.Bytes(), sent) {
		t.Errorf("%d bytes came back of %d; %d, %v", large.Len(), len(sent), code, err)
	}
	out.Reset()
	code, err = p.Exec(t.Context(), id, podrun.Command{Args: []string{"sh", "-c", "sleep 1000 >/dev/null 2>&1 & echo started"}}, podrun.Stdio{Stdout: &out})
	if err != nil || code != 0 || out.String() != "started\n" {
		t.Errorf("a command that leaves something behind: %q, %d, %v", &out, code, err)
	}
	_, err = p.Exec(t.Context(), id, podrun.Command{Args: []string{"no-such-program"}}, podrun.Stdio{})
	if !errors.Is(err, podrun.ErrCannotStart) {
		t.Errorf("a command that is not there: %v", err)
	}
	done := p.start("true")
	p.wait(done)
	if _, err = p.Exec(t.Context(), done, podrun.Command{Args: []string{"true"}}, podrun.Stdio{}); !errors.Is(err, podrun.ErrNotRunning) {
		t.Errorf("a container that has ended: %v", err)
	}
}

func testTerminal(t *testing.T, p *pod) {
	id := p.start("sleep 1000")
	resize := make(chan podrun.TerminalSize, 1)
	resize <- podrun.TerminalSize{Width: 97, Height: 31}
	in, typed := io.Pipe()
	var out buffer
	result := make(chan error, 1)
	go func() {
		code, err := p.Exec(t.Context(), id, podrun.Command{Args: []string{"sh"}, TTY: true}, podrun.Stdio{Stdin: in, Stdout: &out, Resize: resize})
		if code != 6 {
			t.Errorf("exit status %d, want 6", code)
		}
		result <- err
	}()
	// The size may come a moment after the start.
	if _, err := io.WriteString(typed, "tty; until stty size | grep '31 97'; do sleep 0.02; done; exit 6\n"); err != nil {
		t.Fatal(err)
	}
	if err := <-result; err != nil {
		t.Error(err)
	}
	contains(t, "terminal", out.String(), "/dev/pts/0", "31 97\r\n")
}

func testExecCancelled(t *testing.T, p *pod) {
	id := p.start("sleep 1000")
	ctx, cancel := context.WithCancel(t.Context())
	var out buffer
	result := make(chan error, 1)
	go func() {
		_, err := p.Exec(ctx, id, podrun.Command{Args: []string{"sh", "-c", "echo begun; sleep 4567"}}, podrun.Stdio{Stdout: &out})
		result <- err
	}()
	eventually(t, "the command runs", func() bool { return out.String() != "" })
	cancel()
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("the command: %v", err)
	}
	eventually(t, "the command is gone", func() bool {
		out, _ := p.exec(id, "ps ax | grep -c '[s]leep 4567'")
		return out == "0\n"
	})
}

func testAttach(t *testing.T, p *pod) {
	id := p.start("while read line; do echo got $line; done; echo end", func(c *podrun.ContainerConfig) { c.Stdin, c.StdinOnce = true, true })
	in, typed := io.Pipe()
	var out buffer
	result := make(chan error, 1)
	go func() { result <- p.Attach(t.Context(), id, podrun.Stdio{Stdin: in, Stdout: &out}) }()
	if _, err := io.WriteString(typed, "one\n"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the program answers", func() bool { return strings.Contains(out.String(), "got one\n") })
	typed.Close()
	if err := <-result; err != nil {
		t.Error(err)
	}
	equal(t, "all output", out.String(), "got one\nend\n")
	if c := p.wait(id); c.ExitCode != 0 {
		t.Errorf("its end: %+v", c)
	}
	equal(t, "log", p.log(), "got one\nend\n")
}
