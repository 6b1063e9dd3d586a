package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/causeway-access/causeway/bench/plot"
	"github.com/causeway-access/causeway/bench/proxy"
)

// drawCharts draws what several subjects got: a line for each case, with the
// work done on the left and the processor time it took on the right.
func (r *report) drawCharts(path, title, note string) error {
	chart := plot.Chart{Title: title, Note: note}
	drawn := slices.DeleteFunc(slices.Clone(r.figures), func(f figure) bool { return f.PeerName != proxy.Reference })
	for _, name := range distinct(drawn, func(f figure) string { return f.Case }) {
		ofCase := slices.DeleteFunc(slices.Clone(drawn), func(f figure) bool { return f.Case != name })
		work := panel(ofCase, name, func(f figure) bool { return strings.HasSuffix(f.Unit, "/s") })
		cost := panel(ofCase, "CPU of the proxy", func(f figure) bool { return f.Name == "CPU" })
		if len(work.Bars) > 0 {
			chart.Panels = append(chart.Panels, []plot.Panel{work, cost})
		}
	}
	if len(chart.Panels) == 0 {
		return nil
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := chart.Write(file); err != nil {
		file.Close()
		return err
	}
	return file.Close()
}

// panel draws those figures that are wanted, relative to their peer.
func panel(figures []figure, title string, wanted func(figure) bool) plot.Panel {
	p := plot.Panel{Mark: 1}
	for _, f := range figures {
		if !wanted(f) {
			continue
		}
		p.Title = title + ", " + each(f)
		p.Bars = append(p.Bars, plot.Bar{
			Label: f.Subject, Value: f.Ratio, Text: fmt.Sprintf("%.2f (%s)", f.Ratio, number(f.Value)),
			Strong: strings.HasPrefix(f.Subject, "causeway"),
		})
	}
	return p
}

// each is the unit of a figure, and for a cost that of what.
func each(f figure) string {
	if f.Name != "CPU" {
		return f.Unit
	}
	return f.Unit + " each"
}
