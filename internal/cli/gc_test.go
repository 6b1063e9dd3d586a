package cli

import (
	"fmt"
	"strings"
	"testing"
)

func TestTheCollectorRunsLessWhileItRunsOften(t *testing.T) {
	quiet := strings.Repeat("0", gcQuiet)
	for name, tt := range map[string]struct{ seconds, want string }{
		"idle":               {"0010001000", ""},
		"busy":               {"0123", "400@2"},
		"busy for long":      {"02" + strings.Repeat("1", 50), "400@1"},
		"busy with pauses":   {"2" + quiet[1:] + "1" + quiet[1:] + "1", "400@0"},
		"busy and then idle": {"2" + quiet, fmt.Sprintf("400@0 100@%d", gcQuiet)},
		"and busy again":     {"2" + quiet + "02", fmt.Sprintf("400@0 100@%d 400@%d", gcQuiet, gcQuiet+2)},
	} {
		var c collections
		var got []string
		for i, n := range tt.seconds {
			if percent, change := c.second(uint64(n - '0')); change {
				got = append(got, fmt.Sprintf("%d@%d", percent, i))
			}
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s: changed %v, want %s", name, got, tt.want)
		}
	}
}
