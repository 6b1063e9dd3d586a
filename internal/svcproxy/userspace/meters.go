package userspace

import "github.com/prometheus/client_golang/prometheus"

// meters are the metrics of the proxy.
type meters struct {
	ports, waiting  prometheus.Gauge
	streams, flows  prometheus.Gauge
	relayed, failed prometheus.Counter
	refused         prometheus.Counter
	bytes           *prometheus.CounterVec
}

var _ prometheus.Collector = (*meters)(nil)

func newMeters() *meters {
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "causeway", Subsystem: "svcproxy", Name: name, Help: help})
	}
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: "causeway", Subsystem: "svcproxy", Name: name, Help: help})
	}
	return &meters{
		ports:   gauge("ports", "Addresses and ports of services that are listened on."),
		waiting: gauge("ports_not_open", "Addresses and ports of services that could not be opened and are tried again."),
		streams: gauge("connections", "TCP connections to services that are open."),
		flows:   gauge("flows", "Clients of UDP services whose packets have a way."),
		relayed: counter("relayed_total", "TCP connections and flows of UDP that got an endpoint."),
		refused: counter("refused_total", "TCP connections and flows of UDP for which no endpoint could be reached."),
		failed:  counter("endpoint_failures_total", "Endpoints that could not be reached when they were tried."),
		bytes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: "causeway", Subsystem: "svcproxy", Name: "bytes_total",
			Help: "Bytes of TCP connections to services that have ended, as clients see it.",
		}, []string{"direction"}),
	}
}

func (m *meters) all() []prometheus.Collector {
	return []prometheus.Collector{m.ports, m.waiting, m.streams, m.flows, m.relayed, m.refused, m.failed, m.bytes}
}

// Describe implements [prometheus.Collector].
func (m *meters) Describe(to chan<- *prometheus.Desc) {
	for _, c := range m.all() {
		c.Describe(to)
	}
}

// Collect implements [prometheus.Collector].
func (m *meters) Collect(to chan<- prometheus.Metric) {
	for _, c := range m.all() {
		c.Collect(to)
	}
}
