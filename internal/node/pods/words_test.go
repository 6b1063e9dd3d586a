package pods

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheEndOfALogIsNotTooLong(t *testing.T) {
	line := func(text string) string { return "2026-01-02T03:04:05.000000006Z stdout F " + text + "\n" }
	var many, long strings.Builder
	for i := range 200 {
		many.WriteString(line(fmt.Sprint(i)))
	}
	for range 100 {
		long.WriteString(line(strings.Repeat("x", 99)))
	}
	for _, test := range []struct {
		name, log   string
		first       string
		lines, size int
	}{
		{"empty", "", "", 0, 0},
		{"short", line("a") + line("b"), "a", 2, 4},
		{"many lines", many.String(), "120", 80, 0},
		{"long lines", long.String(), "", 0, mostLog},
	} {
		file := filepath.Join(t.TempDir(), "log")
		if err := os.WriteFile(file, []byte(test.log), 0o600); err != nil {
			t.Fatal(err)
		}
		got := string(logTail(file))
		first, _, _ := strings.Cut(got, "\n")
		if test.first != "" && first != test.first || test.lines > 0 && strings.Count(got, "\n") != test.lines || test.size > 0 && len(got) != test.size {
			t.Errorf("%s: %d lines, %d bytes, beginning with %q", test.name, strings.Count(got, "\n"), len(got), first)
		}
	}
}
