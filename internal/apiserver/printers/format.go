package printers

import (
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/duration"
)

// What an empty cell shows.
const (
	none    = "<none>"
	unset   = "<unset>"
	unknown = "<unknown>"
	pending = "<pending>"
)

// shown is how many members of a long list a cell shows.
const shown = 3

// age is the time since t, rounded for people ("5m", "3d2h").
func age(t metav1.Time) string { return since(t.Time) }

// microAge is age for a time with microseconds.
func microAge(t metav1.MicroTime) string { return since(t.Time) }

func since(t time.Time) string {
	if t.IsZero() {
		return unknown
	}
	return duration.HumanDuration(time.Since(t))
}

// or gives s, or what stands for its absence.
func or(s, absent string) string {
	if s == "" {
		return absent
	}
	return s
}

// deref gives the value of an optional field, or its zero value.
func deref[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// firstOf joins the first few members and counts those left out.
func firstOf(list []string) string {
	if len(list) <= shown {
		return strings.Join(list, ",")
	}
	return fmt.Sprintf("%s + %d more...", strings.Join(list[:shown], ","), len(list)-shown)
}

// sortedUnique is for addresses, whose order in a status means nothing.
func sortedUnique(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}
