package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"text/tabwriter"
	"time"
)

// figure is one measured quantity and, where there is one, its peer's.
type figure struct {
	Suite string `json:"suite"`
	// Case and Subject are of measurements that several subjects get: what was
	// done, and to whom.
	Case    string `json:"case,omitempty"`
	Subject string `json:"subject,omitempty"`

	Name  string  `json:"name"`
	Unit  string  `json:"unit"`
	Value float64 `json:"value"`
	// Low and High are the extremes of the rounds, where they are kept.
	Low  float64 `json:"low,omitempty"`
	High float64 `json:"high,omitempty"`
	// Peer is what the same work costs the peer in the same run, and Ratio is
	// Value to Peer.
	PeerName string  `json:"peerName,omitempty"`
	Peer     float64 `json:"peer,omitempty"`
	Ratio    float64 `json:"ratio,omitempty"`
}

// report collects figures.
type report struct {
	suite   string
	figures []figure
}

func (r *report) add(name, unit string, value float64) {
	r.figures = append(r.figures, figure{Suite: r.suite, Name: name, Unit: unit, Value: value})
}

func (r *report) compare(name, unit string, value float64, peerName string, peer float64) {
	f := figure{Suite: r.suite, Name: name, Unit: unit, Value: value, PeerName: peerName, Peer: peer}
	if peer != 0 {
		f.Ratio = value / peer
	}
	r.figures = append(r.figures, f)
}

func (r *report) print(w io.Writer) error {
	if err := printGrids(w, r.figures); err != nil {
		return err
	}
	if !slices.ContainsFunc(r.figures, func(f figure) bool { return f.Subject == "" }) {
		return nil
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "SUITE\tMEASURED\tVALUE\tUNIT\tPEER\tPEER'S\tRATIO")
	for _, f := range r.figures {
		if f.Subject != "" {
			continue // it stands in a grid
		}
		peer, ratio := "", ""
		if f.PeerName != "" {
			peer, ratio = fmt.Sprintf("%.4g", f.Peer), fmt.Sprintf("%.2f", f.Ratio)
		}
		fmt.Fprintf(table, "%s\t%s\t%.4g\t%s\t%s\t%s\t%s\n", f.Suite, f.Name, f.Value, f.Unit, f.PeerName, peer, ratio)
	}
	return table.Flush()
}

func (r *report) write(path string) error {
	text, err := json.MarshalIndent(r.figures, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}

// quantile is the q-th of the values, which it sorts.
func quantile[T int64 | float64 | time.Duration](values []T, q float64) T {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	return values[min(int(q*float64(len(values))), len(values)-1)]
}

func median[T int64 | float64 | time.Duration](values []T) T { return quantile(values, 0.5) }

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
