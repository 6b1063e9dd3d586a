package localproxy

import (
	"fmt"
	"strings"
	"testing"
)

// What is remembered has a bound, and is what was decided.
func TestVerdictsOnPaths(t *testing.T) {
	reject, err := ParsePatterns("^/secret")
	if err != nil {
		t.Fatal(err)
	}
	accept, err := ParsePatterns(DefaultAcceptPaths)
	if err != nil {
		t.Fatal(err)
	}
	f := &Filter{AcceptPaths: accept, RejectPaths: reject}
	for range 2 {
		for i := range 3 * verdictsMost {
			for path, want := range map[string]bool{
				fmt.Sprint("/open/", i): true, fmt.Sprint("/secret/", i): false, fmt.Sprint("/open/../secret/", i): false, "//secret": false,
			} {
				if got := f.acceptsPaths(path); got != want {
					t.Fatalf("%s: accepted %t, want %t", path, got, want)
				}
			}
		}
	}
	if long := "/" + strings.Repeat("x", verdictsLong); !f.acceptsPaths(long) {
		t.Error("a long path is refused")
	}
	if n := len(f.paths.of); n == 0 || n > verdictsMost {
		t.Errorf("%d verdicts are remembered", n)
	}
}
