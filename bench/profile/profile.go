// Package profile says for what a CPU profile of Causeway spends its time, in
// the terms of a request's way. It is a part of bench and stands beside the
// house of internal/.
package profile

import (
	"bufio"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Part is one thing that time is spent for.
type Part struct {
	Name  string
	Share float64 // of all, 0 to 1
}

// sample is a stack, the innermost function first, and its time.
type sample struct {
	spent time.Duration
	stack []string
}

var sampleLine = regexp.MustCompile(`^ +([0-9.]+(?:ns|us|ms|s|mins|hrs)) +(\S.*)$`)

// parse reads what `go tool pprof -traces` writes.
func parse(text string) ([]sample, error) {
	var samples []sample
	var current *sample
	lines := bufio.NewScanner(strings.NewReader(text))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		switch match := sampleLine.FindStringSubmatch(line); {
		case strings.HasPrefix(line, "-----------+"):
			samples, current = append(samples, sample{}), nil
			current = &samples[len(samples)-1]
		case current == nil || strings.TrimSpace(line) == "" || !strings.HasPrefix(line, " "):
			// the head of the profile, and labels
		case match != nil && len(current.stack) == 0:
			spent, err := time.ParseDuration(strings.NewReplacer("mins", "m", "hrs", "h").Replace(match[1]))
			if err != nil {
				return nil, fmt.Errorf("read a profile: %w", err)
			}
			current.spent, current.stack = spent, []string{name(match[2])}
		case len(current.stack) > 0:
			current.stack = append(current.stack, name(strings.TrimSpace(line)))
		}
	}
	return samples, lines.Err()
}

var typeArguments = regexp.MustCompile(`\[[^\]]*\]`)

// name is a function without its type arguments, which name other packages.
func name(function string) string { return typeArguments.ReplaceAllString(function, "") }

// Parts reads what `go tool pprof -traces` writes, and returns what the time
// was spent for, in the order of a request's way.
func Parts(traces string) ([]Part, error) {
	samples, err := parse(traces)
	if err != nil {
		return nil, err
	}
	spent := map[string]time.Duration{}
	var all time.Duration
	for _, s := range samples {
		if s.spent < 0 || all+s.spent < all {
			return nil, errors.New("read a profile: its times cannot be")
		}
		spent[nameOf(s.stack)] += s.spent
		all += s.spent
	}
	if all == 0 {
		return nil, errors.New("read a profile: there is nothing in it")
	}
	var parts []Part
	for _, r := range append(slices.Concat(rules(), layers()), rule{name: other}) {
		if spent[r.name] > 0 {
			parts = append(parts, Part{Name: r.name, Share: float64(spent[r.name]) / float64(all)})
		}
	}
	return parts, nil
}
