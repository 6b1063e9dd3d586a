package podspec

import (
	"strings"
	"testing"
)

func value(name string) (string, bool) {
	v, ok := map[string]string{"A": "1", "B": "$(A)", "EMPTY": ""}[name]
	return v, ok
}

func TestExpandPutsValuesInThePlaceOfReferences(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"", ""},
		{"plain", "plain"},
		{"$(A)", "1"},
		{"x$(A)y$(A)", "x1y1"},
		{"$(B)", "$(A)"}, // values are not expanded again
		{"$(EMPTY)", ""},
		{"$(NONE)", "$(NONE)"},
		{"$$(A)", "$(A)"},
		{"$$$(A)", "$1"},
		{"$$$$(A)", "$$(A)"},
		{"$A", "$A"},
		{"$", "$"},
		{"$$", "$"},
		{"$(A", "$(A"},
		{"$(A$(A)", "$(A$(A)"},
		{"$()", "$()"},
		{"$(A))", "1)"},
		{"a$ (A)", "a$ (A)"},
	} {
		if got := Expand(test.text, value); got != test.want {
			t.Errorf("Expand(%q) = %q, want %q", test.text, got, test.want)
		}
	}
}

func FuzzExpand(f *testing.F) {
	for _, seed := range []string{"", "$(A)", "$$(A)", "$(A$(A)", "$$$", "$(", "$()", "é$(A)"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		none := func(string) (string, bool) { return "", false }
		if got := Expand(text, none); !strings.Contains(text, "$$") && got != text {
			t.Errorf("nothing to put in, and %q became %q", text, got)
		}
		escaped := strings.ReplaceAll(text, "$", "$$")
		if got := Expand(escaped, value); got != text {
			t.Errorf("%q, escaped as %q, became %q", text, escaped, got)
		}
	})
}
