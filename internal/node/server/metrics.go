package server

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

func (s *server) showMetrics(w http.ResponseWriter, r *http.Request) {
	if s.Metrics == nil {
		http.Error(w, "nothing is measured here", http.StatusNotFound)
		return
	}
	promhttp.HandlerFor(s.Metrics, promhttp.HandlerOpts{}).ServeHTTP(w, r)
}

// The metrics of resources, named as the kubelet's; metrics-server reads them.
var (
	nodeCPUTime         = describe("node_cpu_usage_seconds_total", "Cumulative cpu time consumed by the node in core-seconds")
	nodeWorkingSet      = describe("node_memory_working_set_bytes", "Current working set of the node in bytes")
	podCPUTime          = describe("pod_cpu_usage_seconds_total", "Cumulative cpu time consumed by the pod in core-seconds", "pod", "namespace")
	podWorkingSet       = describe("pod_memory_working_set_bytes", "Current working set of the pod in bytes", "pod", "namespace")
	containerCPUTime    = describe("container_cpu_usage_seconds_total", "Cumulative cpu time consumed by the container in core-seconds", "container", "pod", "namespace")
	containerWorkingSet = describe("container_memory_working_set_bytes", "Current working set of the container in bytes", "container", "pod", "namespace")
	containerStart      = describe("container_start_time_seconds", "Start time of the container since unix epoch in seconds", "container", "pod", "namespace")
	scrapeError         = describe("resource_scrape_error", "1 if there was an error while getting container metrics, 0 otherwise")
)

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

func (s *server) showResource(w http.ResponseWriter, r *http.Request) {
	all, err := s.measure(r.Context())
	if err != nil {
		s.Log.Warn("Measuring what pods use", "err", err)
	}
	registry := prometheus.NewPedanticRegistry()
	if err := registry.Register(resources{all, err}); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(w, r)
}

// resources are figures of one time, as metrics.
type resources struct {
	measured
	err error
}

// Describe implements [prometheus.Collector].
func (resources) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{nodeCPUTime, nodeWorkingSet, podCPUTime, podWorkingSet, containerCPUTime, containerWorkingSet, containerStart, scrapeError} {
		to <- d
	}
}

// Collect implements [prometheus.Collector].
func (m resources) Collect(to chan<- prometheus.Metric) {
	bad := 0.0
	if m.err != nil {
		bad = 1
	}
	to <- prometheus.MustNewConstMetric(scrapeError, prometheus.GaugeValue, bad)
	show := func(d *prometheus.Desc, kind prometheus.ValueType, value float64, labels ...string) {
		to <- prometheus.NewMetricWithTimestamp(m.at, prometheus.MustNewConstMetric(d, kind, value, labels...))
	}
	if m.node != nil {
		show(nodeCPUTime, prometheus.CounterValue, m.node.CPU.Seconds())
		show(nodeWorkingSet, prometheus.GaugeValue, float64(m.node.Memory))
	}
	for _, p := range m.pods {
		c := p.box.Config
		show(podCPUTime, prometheus.CounterValue, p.stats.CPU.Seconds(), c.Name, c.Namespace)
		show(podWorkingSet, prometheus.GaugeValue, float64(p.stats.Memory), c.Name, c.Namespace)
		for _, running := range p.containers {
			name := running.Config.Name
			used := p.stats.Containers[name]
			show(containerCPUTime, prometheus.CounterValue, used.CPU.Seconds(), name, c.Name, c.Namespace)
			show(containerWorkingSet, prometheus.GaugeValue, float64(used.Memory), name, c.Name, c.Namespace)
			since := float64(running.Started.UnixNano()) / float64(time.Second)
			to <- prometheus.MustNewConstMetric(containerStart, prometheus.GaugeValue, since, name, c.Name, c.Namespace)
		}
	}
}
