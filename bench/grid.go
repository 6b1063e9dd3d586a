package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// printGrids prints a table for each case: a line for each subject, a column
// for each quantity, with the ratio to the peer in brackets.
func printGrids(w io.Writer, figures []figure) error {
	for _, title := range distinct(figures, func(f figure) string { return f.Case }) {
		ofCase := slices.DeleteFunc(slices.Clone(figures), func(f figure) bool { return f.Case != title })
		fmt.Fprintf(w, "%s: %s\n", ofCase[0].Suite, title)
		table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		names := distinct(ofCase, func(f figure) string { return f.Name })
		fmt.Fprintf(table, "\t%s\n", strings.Join(headings(ofCase, names), "\t"))
		for _, subject := range distinct(ofCase, func(f figure) string { return f.Subject }) {
			cells := []string{subject}
			for _, name := range names {
				i := slices.IndexFunc(ofCase, func(f figure) bool { return f.Subject == subject && f.Name == name })
				cells = append(cells, cell(ofCase, i))
			}
			fmt.Fprintln(table, strings.Join(cells, "\t"))
		}
		if err := table.Flush(); err != nil {
			return err
		}
		fmt.Fprintln(w)
	}
	return nil
}

// headings are the names of columns with their units.
func headings(figures []figure, names []string) []string {
	var all []string
	for _, name := range names {
		i := slices.IndexFunc(figures, func(f figure) bool { return f.Name == name })
		all = append(all, strings.ToUpper(name)+" "+figures[i].Unit)
	}
	return all
}

func cell(figures []figure, i int) string {
	if i < 0 {
		return "-"
	}
	f := figures[i]
	text := number(f.Value)
	if f.PeerName != "" {
		text += fmt.Sprintf(" (%.2f)", f.Ratio)
	}
	return text
}

// number has three digits that count, and never an exponent.
func number(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// distinct are the values of a key in the order of their first appearance,
// without the empty one.
func distinct(figures []figure, key func(figure) string) []string {
	var all []string
	for _, f := range figures {
		if k := key(f); k != "" && !slices.Contains(all, k) {
			all = append(all, k)
		}
	}
	return all
}
