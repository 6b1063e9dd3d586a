package cli

import (
	"fmt"
	"strings"
	"testing"
)

func TestTheCollectorRunsLessWhileItRunsOften(t *testing.T) {
	const small, large = 70 << 20, 1 << 30
	quiet := strings.Repeat("0", gcQuiet)
	for name, tt := range map[string]struct {
		live    uint64
		seconds string // collections in each
		want    string // percent@second
	}{
		"idle":               {small, "0010001000", ""},
		"busy":               {small, "0123", "400@2"},
		"busy for long":      {small, "02" + strings.Repeat("1", 50), "400@1"},
		"busy with pauses":   {small, "2" + quiet[1:] + "1" + quiet[1:] + "1", "400@0"},
		"busy and then idle": {small, "2" + quiet, fmt.Sprintf("400@0 100@%d", gcQuiet)},
		"and busy again":     {small, "2" + quiet + "02", fmt.Sprintf("400@0 100@%d 400@%d", gcQuiet, gcQuiet+2)},
		"a large heap":       {large, "22", "125@0"},
	} {
		c := collections{percent: gcUsual}
		var got []string
		for i, n := range tt.seconds {
			if c.second(uint64(n-'0'), tt.live) {
				got = append(got, fmt.Sprintf("%d@%d", c.percent, i))
			}
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s: changed %v, want %s", name, got, tt.want)
		}
	}
	grown := collections{percent: gcUsual}
	grown.second(2, small)
	if !grown.second(2, large) || grown.percent != 125 {
		t.Errorf("when the heap has grown: %d", grown.percent)
	}
}
