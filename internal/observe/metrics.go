package observe

import (
	"fmt"
	"strconv"

	"k8s.io/component-base/metrics"
)

// meters are the metrics of the access path. Their labels take few values
// whatever clients send.
type meters struct {
	requests *metrics.CounterVec   // by resource, verb and code
	duration *metrics.HistogramVec // by resource
	bytes    *metrics.CounterVec   // by resource and direction
	retries  *metrics.CounterVec   // by resource
	upgrades *metrics.CounterVec   // by resource
	inflight *metrics.Gauge
}

const (
	namespace = "causeway"
	subsystem = "gateway"
)

func newMeters(register func(metrics.Registerable) error) (*meters, error) {
	counter := func(name, help string, labels ...string) *metrics.CounterVec {
		return metrics.NewCounterVec(&metrics.CounterOpts{
			Namespace: namespace, Subsystem: subsystem, Name: name, Help: help, StabilityLevel: metrics.ALPHA,
		}, labels)
	}
	m := &meters{
		requests: counter("requests_total", "Requests to targets, by resource, verb and status code.", "resource", "verb", "code"),
		bytes:    counter("bytes_total", "Body bytes relayed, by resource and direction (sent is to the client).", "resource", "direction"),
		retries:  counter("retries_total", "Attempts beyond the first one, by resource.", "resource"),
		upgrades: counter("upgrades_total", "Connections that were upgraded, by resource.", "resource"),
		duration: metrics.NewHistogramVec(&metrics.HistogramOpts{
			Namespace: namespace, Subsystem: subsystem, Name: "request_duration_seconds",
			Help:    "Time from the head of a request to the end of its response, by resource; upgrades are not in it.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}, StabilityLevel: metrics.ALPHA,
		}, []string{"resource"}),
		inflight: metrics.NewGauge(&metrics.GaugeOpts{
			Namespace: namespace, Subsystem: subsystem, Name: "requests_in_flight",
			Help: "Requests to targets under way, upgraded connections included.", StabilityLevel: metrics.ALPHA,
		}),
	}
	if register == nil {
		register = metrics.NewKubeRegistry().Register
	}
	for _, metric := range []metrics.Registerable{m.requests, m.bytes, m.retries, m.upgrades, m.duration, m.inflight} {
		if err := register(metric); err != nil {
			return nil, fmt.Errorf("registering the gateway's metrics: %w", err)
		}
	}
	return m, nil
}

// count adds a finished request.
func (m *meters) count(l *Line) {
	resource, verb := "none", "none"
	if l.Attributes != nil {
		resource, verb = l.Attributes.GetResource(), l.Attributes.GetVerb()
	}
	m.requests.WithLabelValues(resource, verb, code(l.Status)).Inc()
	m.bytes.WithLabelValues(resource, "sent").Add(float64(l.Sent))
	m.bytes.WithLabelValues(resource, "received").Add(float64(l.Received))
	if l.Retries > 0 {
		m.retries.WithLabelValues(resource).Add(float64(l.Retries))
	}
	if l.Upgrade {
		m.upgrades.WithLabelValues(resource).Inc()
		return
	}
	m.duration.WithLabelValues(resource).Observe(l.End.Sub(l.Start).Seconds())
}

// code bounds the label: a backend may answer with any three digits.
func code(status int) string {
	if status < 100 || status > 599 {
		return "other"
	}
	return strconv.Itoa(status)
}
