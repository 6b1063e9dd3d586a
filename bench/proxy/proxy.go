// Package proxy measures Causeway's access path beside other proxies: it
// starts backends, Causeway, nginx, HAProxy and Go's httputil.ReverseProxy in
// a network of their own, and puts the same load on each in turn.
//
// run.go shows the whole of it: start, check, measure. cases.go has what is
// measured, and a file for each proxy how it is configured. It is a part of
// bench and stands beside the house of internal/.
package proxy

import (
	"time"
)

// Options say what to measure.
type Options struct {
	// Programs are the paths of what was built.
	Program, ReverseProxy, Sink string
	// Local measures what stands before an API server on a user's machine,
	// instead of what stands in the cluster.
	Local bool
	// Dir is for files, on the disk where logs go.
	Dir string
	// Rounds is how often each measurement is made; the median counts.
	Rounds int
	// Window is how long each load lasts.
	Window time.Duration
	// Cases and Subjects choose by name; empty for all.
	Cases, Subjects []string
	// Nice is the priority beside what else runs on the machine, -20 to 19.
	Nice int
	// Profile is a file for a CPU profile of Causeway under each load of
	// requests; empty for none.
	Profile string
	// Soak, if not 0, holds the load on Causeway alone for that long, instead
	// of everything else.
	Soak time.Duration
}

// Figure is the median of one quantity.
type Figure struct {
	Case, Subject, Name, Unit string
	Value                     float64
	// Low and High are the extremes of the rounds.
	Low, High float64
	// Compare says whether the ratio to the reference means something.
	Compare bool
}

// Reference is the subject that others are compared to, LocalReference that of
// Options.Local.
const (
	Reference      = "nginx"
	LocalReference = "kubectl proxy"
)

// prefix is where a service is reached, by every subject alike.
const prefix = "/api/v1/namespaces/default/services/"
