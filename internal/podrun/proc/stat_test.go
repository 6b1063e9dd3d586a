//go:build linux

package proc

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReadKnowsThisProcess(t *testing.T) {
	s, err := Read(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if s.PID != os.Getpid() || s.Parent != os.Getppid() || s.Birth == 0 || s.Name == "" || s.State == "Z" {
		t.Errorf("got %+v", s)
	}
	if _, err := Read(-1); !os.IsNotExist(err) {
		t.Errorf("a process that is not there: %v", err)
	}
}

const tail = " S 7 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 123 1 2 3\n"

func TestNamesMayHaveBrackets(t *testing.T) {
	for _, name := range []string{"sh", "a b", "runc:[2:INIT]", ") S 1 (", ""} {
		got, err := parse("42 (" + name + ")" + tail)
		if d := cmp.Diff(Stat{PID: 42, Parent: 7, Name: name, State: "S", Birth: 123}, got); err != nil || d != "" {
			t.Errorf("%q: %v, want -, got +:\n%s", name, err, d)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{"42 (sh)" + tail, "42 (sh) S 7", "42 sh" + tail, "x (sh)" + tail, "42 (sh) S x" + tail[4:], "", "42 ()", strings.Replace("42 (sh)"+tail, "123", "-1", 1)} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := parse(text)
		if err == nil && !strings.Contains(text, "("+s.Name+")") {
			t.Errorf("%q has no name %q", text, s.Name)
		}
	})
}
