// Package plot draws bar charts as SVG, readable on light and dark pages. It
// is a part of bench and stands beside the house of internal/.
package plot

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"strings"
)

// Chart is panels side by side: each row of Panels is a line of the drawing.
type Chart struct {
	Title string
	// Note stands under the chart; \n begins a new line.
	Note   string
	Panels [][]Panel
}

// Panel is bars from a common origin.
type Panel struct {
	Title string
	Bars  []Bar
	// Mark is a value at which a line is drawn across; 0 for none.
	Mark float64
}

// Bar is one value.
type Bar struct {
	Label string
	Value float64 // negative and non-finite ones are drawn as 0
	Text  string  // beside the bar
	// Strong bars are those that the chart is about.
	Strong bool
}

// Sizes in the units of the drawing.
const (
	panelWidth = 400
	labelWidth = 132 // before the bars
	textWidth  = 100 // after the longest bar
	barHeight  = 16
	barStep    = 22
	panelHead  = 28 // title of a panel
	panelGap   = 24
	chartHead  = 40
	lineHeight = 16
	longestBar = panelWidth - labelWidth - textWidth
	style      = `text{font:12px system-ui,sans-serif;fill:#24292f}.t{font-weight:600}.h{font-size:16px;font-weight:600}.n{fill:#57606a}` +
		`.b{fill:#8c959f}.s{fill:#0969da}.m{stroke:#cf222e;stroke-dasharray:3 3}` +
		`@media(prefers-color-scheme:dark){text{fill:#e6edf3}.n{fill:#9198a1}.b{fill:#656c76}.s{fill:#4493f8}.m{stroke:#f85149}}`
)

// Write draws the chart.
func (c Chart) Write(w io.Writer) error {
	var body strings.Builder
	y, columns := chartHead, 1
	for _, row := range c.Panels {
		height := 0
		for i, p := range row {
			p.draw(&body, i*(panelWidth+panelGap), y)
			height = max(height, panelHead+len(p.Bars)*barStep)
		}
		columns = max(columns, len(row))
		y += height + panelGap
	}
	for line := range strings.SplitSeq(c.Note, "\n") {
		text(&body, "n", 0, y, "start", line)
		y += lineHeight
	}
	width := columns*panelWidth + (columns-1)*panelGap
	_, err := fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="-8 0 %d %d" width="%d" role="img" aria-label="%s">`+
		"\n<style>%s</style>\n", width+16, y, width+16, escape(c.Title), style)
	if err != nil {
		return err
	}
	text(&body, "h", 0, 20, "start", c.Title)
	_, err = io.WriteString(w, body.String()+"</svg>\n")
	return err
}

// draw adds the panel with its upper left corner at x, y.
func (p Panel) draw(body *strings.Builder, x, y int) {
	text(body, "t", x, y+12, "start", p.Title)
	most := p.Mark
	for _, b := range p.Bars {
		most = max(most, b.height())
	}
	most = cmp.Or(most, 1)
	for i, b := range p.Bars {
		top := y + panelHead + i*barStep
		length := b.height() / most * longestBar
		class := "b"
		if b.Strong {
			class = "s"
		}
		text(body, "", x+labelWidth-8, top+12, "end", b.Label)
		fmt.Fprintf(body, `<rect class="%s" x="%d" y="%d" width="%.1f" height="%d" rx="2"/>`+"\n", class, x+labelWidth, top, length, barHeight)
		text(body, "", x+labelWidth+int(length)+6, top+12, "start", b.Text)
	}
	if p.Mark > 0 {
		at := float64(x+labelWidth) + p.Mark/most*longestBar
		fmt.Fprintf(body, `<line class="m" x1="%.1f" x2="%.1f" y1="%d" y2="%d"/>`+"\n", at, at, y+panelHead-4, y+panelHead+len(p.Bars)*barStep)
	}
}

// height is the value as it can be drawn.
func (b Bar) height() float64 {
	if math.IsNaN(b.Value) || math.IsInf(b.Value, 0) {
		return 0
	}
	return max(0, b.Value)
}

func text(body *strings.Builder, class string, x, y int, anchor, s string) {
	fmt.Fprintf(body, `<text class="%s" x="%d" y="%d" text-anchor="%s">%s</text>`+"\n", class, x, y, anchor, escape(s))
}

// escape makes text of s, for elements and attributes.
func escape(s string) string {
	var escaped strings.Builder
	if err := xml.EscapeText(&escaped, []byte(s)); err != nil {
		return "" // a strings.Builder takes everything
	}
	return escaped.String()
}
