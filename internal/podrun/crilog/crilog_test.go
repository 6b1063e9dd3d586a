package crilog

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestWhatIsWrittenIsReadAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	w, err := Create(path, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	out, errs := w.Stream(Stdout), w.Stream(Stderr)
	long := strings.Repeat("x", longest) + "y\n"
	fmt.Fprint(out, "one\ntw")
	fmt.Fprint(errs, "failed: 100 %\n\n")
	fmt.Fprint(out, "o\n", long, "no end")
	if err := out.Close(); err != nil {
		t.Error(err)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	got := map[string][]string{}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		l, err := Parse([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		got[l.Stream] = append(got[l.Stream], string(l.Text))
	}
	want := map[string][]string{
		Stdout: {"one\n", "two\n", strings.Repeat("x", longest), "y\n", "no end"},
		Stderr: {"failed: 100 %\n", "\n"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestALogIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	for part := range 2 { // the second continues where the first was closed
		w, err := Create(path, 1000, 3)
		if err != nil {
			t.Fatal(err)
		}
		out := w.Stream(Stdout)
		for i := range 100 {
			fmt.Fprintf(out, "%d.%d\n", part, i)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	files, err := filepath.Glob(path + "*")
	if err != nil || len(files) != 3 {
		t.Fatalf("files: %v, %v", files, err)
	}
	all := ""
	for _, name := range []string{path + ".2", path + ".1", path} {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if len(data) > 1000 {
			t.Errorf("%s has %d bytes", name, len(data))
		}
		all += string(data)
	}
	lines := strings.Split(strings.TrimSpace(all), "\n")
	for i, line := range lines {
		if want := fmt.Sprintf(" F 1.%d", 100-len(lines)+i); !strings.HasSuffix(line, want) {
			t.Errorf("line %d of %d is %q, want %q at its end", i, len(lines), line, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, line := range []string{
		"2026-01-02T03:04:05.678901234Z stdout F hello world\n", "2026-01-02T03:04:05+01:00 stderr P part", "2026-01-02T03:04:05Z stdout F:tag \n",
		"", "x", "2026-01-02T03:04:05Z other F x", "2026-01-02T03:04:05Z stdout X x", "yesterday stdout F x",
	} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		line, err := Parse(data)
		if err != nil {
			return
		}
		tag, text := 'P', line.Text
		if strings.HasSuffix(string(text), "\n") {
			tag, text = 'F', text[:len(text)-1]
		}
		again, err := Parse(format(line.Time, line.Stream, tag, text))
		if err != nil {
			t.Fatalf("%q: %v", data, err)
		}
		if diff := cmp.Diff(line, again, cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) })); diff != "" {
			t.Errorf("%q (-first +again):\n%s", data, diff)
		}
	})
}
