package main

import (
	"encoding/xml"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-access/causeway/bench/proxy"
)

// measured is a report of what suite proxy found.
func measured() *bench {
	b := &bench{}
	b.report.suite = "proxy"
	b.addProxy([]proxy.Figure{
		{Case: "c1", Subject: "causeway", Name: "requests", Unit: "1/s", Value: 500, Compare: true},
		{Case: "c1", Subject: "causeway", Name: "CPU", Unit: "us", Value: 30, Compare: true},
		{Case: "c1", Subject: "causeway", Name: "foreign CPU", Unit: "%", Value: 3.14},
		{Case: "c1", Subject: "nginx", Name: "requests", Unit: "1/s", Value: 1000, Compare: true},
		{Case: "c1", Subject: "nginx", Name: "CPU", Unit: "us", Value: 15, Compare: true},
		{Case: "c2", Subject: "causeway", Name: "memory", Unit: "MB", Value: 1234.5},
	}, proxy.Reference)
	return b
}

func TestCasesArePrintedAsGrids(t *testing.T) {
	b := measured()
	b.report.add("size", "MB", 7)
	var out strings.Builder
	if err := b.report.print(&out); err != nil {
		t.Fatal(err)
	}
	want := `proxy: c1
          REQUESTS 1/s  CPU us       FOREIGN CPU %
causeway  500 (0.50)    30.0 (2.00)  3.14
nginx     1000 (1.00)   15.0 (1.00)  -

proxy: c2
          MEMORY MB
causeway  1234

SUITE  MEASURED  VALUE  UNIT  PEER  PEER'S  RATIO
proxy  size      7      MB                  
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

func TestChartHasWhatIsCompared(t *testing.T) {
	b := measured()
	path := filepath.Join(t.TempDir(), "chart.svg")
	if err := b.report.drawCharts(path, "title", "note"); err != nil {
		t.Fatal(err)
	}
	svg, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"c1, 1/s", "us each", "0.50 (500)", "2.00 (30.0)"} {
		if !strings.Contains(string(svg), want) {
			t.Errorf("no %q in\n%s", want, svg)
		}
	}
	if strings.Contains(string(svg), "c2") {
		t.Errorf("what has no peer is in\n%s", svg)
	}
	if err := xml.Unmarshal(svg, new(struct{ XMLName xml.Name })); err != nil {
		t.Error(err)
	}
}

func TestMedianOfRounds(t *testing.T) {
	for q, want := range map[float64]float64{0: 1, 0.5: 3, 0.99: 5} {
		if got := quantile([]float64{5, 1, 3, 2, 4}, q); got != want {
			t.Errorf("quantile %v = %v, want %v", q, got, want)
		}
	}
	if got := quantile([]float64{}, 0.5); got != 0 {
		t.Errorf("quantile of nothing = %v", got)
	}
}
