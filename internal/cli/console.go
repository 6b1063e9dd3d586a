package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
	"k8s.io/cli-runtime/pkg/genericiooptions"
)

// console is the person at the terminal, if there is one.
type console struct{ genericiooptions.IOStreams }

// terminal returns standard input if it is a terminal.
func (c console) terminal() (*os.File, bool) {
	f, ok := c.In.(*os.File)
	return f, ok && term.IsTerminal(int(f.Fd()))
}

// ask writes a question to standard error and reads a line.
func (c console) ask(ctx context.Context, question string) (string, error) {
	fmt.Fprint(c.ErrOut, question)
	return c.answer(ctx, func(f *os.File) (string, error) { return readLine(f) })
}

// askSecret is ask without showing what is typed, not even what is typed ahead
// of the question: it is written when the terminal shows nothing any more.
func (c console) askSecret(ctx context.Context, question string) (string, error) {
	return c.answer(ctx, func(f *os.File) (string, error) {
		before, err := term.MakeRaw(int(f.Fd()))
		if err != nil {
			return "", err
		}
		secret, err := term.NewTerminal(bothWays{f, c.ErrOut}, "").ReadPassword(question)
		if errors.Is(err, io.EOF) { // control and C or D, which are no signals now
			err = errInterrupted
		}
		return secret, errors.Join(err, term.Restore(int(f.Fd()), before))
	})
}

// bothWays is a terminal that is read and written by different files.
type bothWays struct {
	io.Reader
	io.Writer
}

var errInterrupted = errors.New("interrupted")

// answer reads from the terminal until ctx ends, and leaves the terminal as it
// was: whoever interrupts a question for a password wants to see what he types
// afterwards. The reader is left behind then; the process ends soon.
func (c console) answer(ctx context.Context, read func(*os.File) (string, error)) (string, error) {
	f, ok := c.terminal()
	if !ok {
		return "", errors.New("standard input is no terminal")
	}
	before, err := term.GetState(int(f.Fd()))
	if err != nil {
		return "", err
	}
	type result struct {
		text string
		err  error
	}
	done := make(chan result, 1)
	go func() {
		text, err := read(f)
		done <- result{text, err}
	}()
	select {
	case r := <-done:
		return r.text, r.err
	case <-ctx.Done():
		return "", errors.Join(errInterrupted, term.Restore(int(f.Fd()), before))
	}
}

// readLine reads no byte beyond the line, for the next question's answer.
func readLine(r io.Reader) (string, error) {
	var line strings.Builder
	one := make([]byte, 1)
	for {
		n, err := r.Read(one)
		if n > 0 && one[0] == '\n' {
			return strings.TrimSpace(line.String()), nil
		}
		line.Write(one[:n])
		if err != nil {
			return strings.TrimSpace(line.String()), err
		}
	}
}
