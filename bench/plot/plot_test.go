package plot

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
)

// elements parses an SVG and counts its elements by name.
func elements(t *testing.T, svg string) map[string]int {
	t.Helper()
	counts := map[string]int{}
	for d := xml.NewDecoder(strings.NewReader(svg)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return counts
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, svg)
		}
		if start, ok := token.(xml.StartElement); ok {
			counts[start.Name.Local]++
		}
	}
}

func TestChartIsDrawn(t *testing.T) {
	chart := Chart{Title: "a < b & \"c\"", Note: "one\ntwo", Panels: [][]Panel{
		{{Title: "left", Mark: 1, Bars: []Bar{{"x", 1, "1", true}, {"y", 4, "4", false}}}, {Title: "right", Bars: []Bar{{"x", 2, "2", true}}}},
		{{Title: "odd", Bars: []Bar{{"nan", math.NaN(), "", false}, {"below", -1, "", false}, {"endless", math.Inf(1), "", false}}}},
	}}
	var out strings.Builder
	if err := chart.Write(&out); err != nil {
		t.Fatal(err)
	}
	svg := out.String()
	if got := elements(t, svg); got["rect"] != 6 || got["line"] != 1 || got["text"] != 1+2+3+6*2 {
		t.Errorf("the chart has %v", got)
	}
	for _, want := range []string{
		`a &lt; b &amp; &#34;c&#34;`,                                   // text is escaped
		`class="s" x="132" y="68" width="42.0"`,                        // a quarter of the longest
		`class="b" x="132" y="90" width="168.0"`,                       // the longest
		`prefers-color-scheme:dark`,                                    // dark pages, too
		`class="m" x1="174.0" x2="174.0"`,                              // the mark is at its value
		`<text class="n" x="0" y="254" text-anchor="start">one</text>`, // under the panels
	} {
		if !strings.Contains(svg, want) {
			t.Errorf("no %s in\n%s", want, svg)
		}
	}
	if strings.Contains(svg, "NaN") || strings.Contains(svg, "Inf") {
		t.Errorf("numbers that are none in\n%s", svg)
	}
}
