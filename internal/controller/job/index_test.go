package job

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestIndexes(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "0": "0", "1,3-5,7": "1,3-5,7", "4,3,5": "3-5", "8-20": "8-9", "x,2": "2", "-1,5-,-": "", "5-3": "",
	} {
		if diff := cmp.Diff(want, formatIndexes(parseIndexes(text, 10))); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}

// FuzzIndexes: what is written is read again, whatever was read first.
func FuzzIndexes(f *testing.F) {
	for _, text := range []string{"", "0", "1,3-5,7", "9-0,,-", "0-99999999999999999999"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		set := parseIndexes(text, 1000)
		if diff := cmp.Diff(set, parseIndexes(formatIndexes(set), 1000)); diff != "" {
			t.Errorf("%q read again (-first +again):\n%s", text, diff)
		}
	})
}
