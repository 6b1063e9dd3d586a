package crilog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// sample is a log of three files whose lines come from both streams.
func sample(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "0.log")
	for name, lines := range map[string][]string{
		".2": {"00 stdout F one", "01 stderr F two"},
		".1": {"02 stdout F three", "garbage", "03 stdout P fo", "04 stdout P u"},
		"":   {"05 stdout F r", "06 stderr F five", "07 stdout F six", "08 stderr P sev"},
	} {
		text := ""
		for _, line := range lines {
			text += "2026-01-02T03:04:" + line + "\n"
		}
		if name == "" {
			text += "2026-01-02T03:04:09Z stdout F under wa" // a write that has not ended
		}
		text = strings.NewReplacer(" stdout", "Z stdout", " stderr", "Z stderr", "ZZ", "Z").Replace(text)
		if err := os.WriteFile(path+name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

func TestALogIsReadAsAsked(t *testing.T) {
	path := sample(t)
	at := func(second int) time.Time { return time.Date(2026, 1, 2, 3, 4, second, 0, time.UTC) }
	for name, test := range map[string]struct {
		options Options
		want    string
	}{
		"all":                      {Options{}, "one\ntwo\nthree\nfour\nfive\nsix\nsev"},
		"the last line":            {Options{Tail: new(int64(1))}, "sev"},
		"the last two":             {Options{Tail: new(int64(2))}, "six\nsev"},
		"a joined line":            {Options{Tail: new(int64(4))}, "four\nfive\nsix\nsev"},
		"over all files":           {Options{Tail: new(int64(6))}, "two\nthree\nfour\nfive\nsix\nsev"},
		"more than there are":      {Options{Tail: new(int64(100))}, "one\ntwo\nthree\nfour\nfive\nsix\nsev"},
		"none":                     {Options{Tail: new(int64(0))}, ""},
		"one stream":               {Options{Stream: Stderr}, "two\nfive\nsev"},
		"the last of a stream":     {Options{Stream: Stdout, Tail: new(int64(2))}, "four\nsix\n"},
		"since":                    {Options{Since: at(6)}, "five\nsix\nsev"},
		"since and the last":       {Options{Since: at(6), Tail: new(int64(1))}, "sev"},
		"limited":                  {Options{Limit: new(int64(6))}, "one\ntw"},
		"limited to nothing":       {Options{Limit: new(int64(0))}, ""},
		"limited to more":          {Options{Limit: new(int64(1000))}, "one\ntwo\nthree\nfour\nfive\nsix\nsev"},
		"with times":               {Options{Timestamps: true, Tail: new(int64(1))}, "2026-01-02T03:04:08.000000000Z sev"},
		"a time for a joined line": {Options{Timestamps: true, Since: at(3), Stream: Stdout}, "2026-01-02T03:04:03.000000000Z four\n2026-01-02T03:04:07.000000000Z six\n"},
	} {
		t.Run(name, func(t *testing.T) {
			var got bytes.Buffer
			if err := Copy(t.Context(), &got, path, test.options); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheLastLinesOfABigLogAreItsLast(t *testing.T) {
	path := filepath.Join(t.TempDir(), "0.log")
	w, err := Create(path, 300<<10, 3)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for i := range 3000 { // some longer than what is read at once
		lines = append(lines, fmt.Sprintf("%d %s\n", i, strings.Repeat("x", i*i%997*(1+i%100/99*90))))
		fmt.Fprint(w.Stream(Stdout), lines[i])
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	var all bytes.Buffer
	if err := Copy(t.Context(), &all, path, Options{}); err != nil {
		t.Fatal(err)
	}
	kept := strings.Count(all.String(), "\n")
	for _, n := range []int{1, 10, 99, 100, 101, kept - 3} {
		var got bytes.Buffer
		if err := Copy(t.Context(), &got, path, Options{Tail: new(int64(n))}); err != nil {
			t.Fatal(err)
		}
		if want := strings.Join(lines[len(lines)-n:], ""); got.String() != want {
			t.Errorf("the last %d lines have %d bytes, want %d", n, got.Len(), len(want))
		}
	}
}

func TestALogThatIsNotThereIsAnError(t *testing.T) {
	err := Copy(t.Context(), io.Discard, filepath.Join(t.TempDir(), "0.log"), Options{})
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}

// TestFollowingMissesNothing writes through many turns of the log, while it is
// read.
func TestFollowingMissesNothing(t *testing.T) {
	for name, looks := range map[string]bool{"told by the system": false, "by looking": true} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "0.log")
			ended, read := make(chan struct{}), make(chan struct{})
			got := newLines()
			var failed error
			go func() {
				defer close(read)
				failed = followed(t.Context(), got, path, ended, looks)
			}()
			w, err := Create(path, 2000, 4)
			if err != nil {
				t.Fatal(err)
			}
			out := w.Stream(Stdout)
			for i := range 500 {
				fmt.Fprintf(out, "line %d\n", i)
				if i%20 == 0 { // what is followed comes while the log is open
					got.await(t, fmt.Sprintf("line %d\n", i))
				}
			}
			fmt.Fprint(out, "no end")
			if err := errors.Join(out.Close(), w.Close()); err != nil {
				t.Fatal(err)
			}
			close(ended)
			<-read
			if failed != nil {
				t.Fatal(failed)
			}
			want := ""
			for i := range 500 {
				want += fmt.Sprintf("line %d\n", i)
			}
			if diff := cmp.Diff(want+"no end", got.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// followed is Copy, without the system's help if looks is set.
func followed(ctx context.Context, w io.Writer, path string, ended <-chan struct{}, looks bool) error {
	if !looks {
		return Copy(ctx, w, path, Options{Follow: ended})
	}
	c := newCopier(w, path, Options{Follow: ended})
	c.changes = &watcher{close: func() {}}
	defer c.close()
	return errors.Join(c.open(c.out.Options), c.run(ctx, ended))
}

func TestFollowingEndsWithTheContextAndTheLimit(t *testing.T) {
	path := sample(t)
	ctx, cancel := context.WithCancel(t.Context())
	got := newLines()
	done := make(chan error, 1)
	go func() {
		done <- Copy(ctx, got, path, Options{Follow: make(chan struct{}), Tail: new(int64(1))})
	}()
	got.await(t, "sev")
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	var few bytes.Buffer
	err := Copy(t.Context(), &few, path, Options{Follow: make(chan struct{}), Limit: new(int64(3))})
	if err != nil || few.String() != "one" {
		t.Errorf("%q, %v", few.String(), err)
	}
}

// lines is what was read, and waits for what is to come.
type lines struct {
	mu      sync.Mutex
	text    bytes.Buffer
	changed chan struct{}
}

func newLines() *lines { return &lines{changed: make(chan struct{}, 1)} }

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case l.changed <- struct{}{}:
	default:
	}
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *lines) await(t *testing.T, end string) {
	t.Helper()
	limit := time.After(time.Minute)
	for !strings.HasSuffix(l.String(), end) {
		select {
		case <-l.changed:
		case <-limit:
			t.Fatalf("%q does not come", end)
		}
	}
}

func BenchmarkCopy(b *testing.B) {
	path := filepath.Join(b.TempDir(), "0.log")
	w, err := Create(path, 1<<30, 1)
	if err != nil {
		b.Fatal(err)
	}
	out := w.Stream(Stdout)
	line := bytes.Repeat([]byte("x"), 99)
	for range 100_000 {
		_, _ = out.Write(append(line, '\n'))
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(100 * 100_000)
	for b.Loop() {
		if err := Copy(b.Context(), io.Discard, path, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
