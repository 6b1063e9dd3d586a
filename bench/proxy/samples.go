package proxy

import "slices"

// Samples collects what the rounds measured, in the order in which each
// quantity was first seen. The zero value is empty.
type Samples struct {
	order  []Figure // without values
	values map[Figure][]float64
}

// Add takes note of a value; the key has none.
func (s *Samples) Add(key Figure, value float64) {
	if s.values == nil {
		s.values = map[Figure][]float64{}
	}
	if s.values[key] == nil {
		s.order = append(s.order, key)
	}
	s.values[key] = append(s.values[key], value)
}

// median is that of one quantity, or 0 if it was not measured.
func (s *Samples) median(key Figure) float64 {
	values := slices.Sorted(slices.Values(s.values[key]))
	if len(values) == 0 {
		return 0
	}
	return values[len(values)/2]
}

// Figures are the medians.
func (s *Samples) Figures() []Figure {
	var all []Figure
	for _, f := range s.order {
		values := slices.Sorted(slices.Values(s.values[f]))
		f.Value, f.Low, f.High = values[len(values)/2], values[0], values[len(values)-1]
		all = append(all, f)
	}
	return all
}
