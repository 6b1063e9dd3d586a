package observe

import "github.com/prometheus/client_golang/prometheus"

var (
	requestsDesc = describe("requests_total", "Requests to targets, by resource, verb and status code.", "resource", "verb", "code")
	bytesDesc    = describe("bytes_total", "Body bytes relayed, by resource and direction (sent is to the client). Those of upgraded connections are counted apart.", "resource", "direction")
	retriesDesc  = describe("retries_total", "Attempts beyond the first one, by resource.", "resource")
	upgradesDesc = describe("upgrades_total", "Connections that were upgraded and have ended, by resource.", "resource")
	tookDesc     = describe("request_duration_seconds", "Time from the head of a request to the end of its response, by resource; upgrades are not in it.", "resource")
	inflightDesc = describe("requests_in_flight", "Requests to targets under way, upgraded connections included.")
	liveDesc     = describe("upgraded_connections", "Upgraded connections under way.")
	upgradedDesc = describe("upgrade_bytes_total", "Bytes of upgraded connections, those under way included, by resource and direction.", "resource", "direction")
	sizesDesc    = describe("upgraded_connection_bytes", "Bytes of each upgraded connection that has ended, by direction.", "direction")
	ejectedDesc  = describe("ejections_total", "Endpoints set aside, by kind: dial for those that could not be reached, frozen for those that did not answer.", "kind")
	droppedDesc  = describe("access_lines_dropped_total", "Access lines that were not written because the log was too slow.")
)

var directionNames = [directions]string{sent: "sent", received: "received"}

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName("causeway", "gateway", name), help, labels, nil)
}

// Describe implements [prometheus.Collector].
func (m *meters) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		requestsDesc, bytesDesc, retriesDesc, upgradesDesc, tookDesc, inflightDesc,
		liveDesc, upgradedDesc, sizesDesc, droppedDesc,
	} {
		to <- d
	}
	if m.ejections != nil {
		to <- ejectedDesc
	}
}

// Collect implements [prometheus.Collector].
func (m *meters) Collect(to chan<- prometheus.Metric) {
	c := collector{to}
	for r, resource := range resources {
		m.collectRequests(c, r)
		for d := range directions {
			c.counter(bytesDesc, m.bytes[r][d].Load(), resource, directionNames[d])
		}
		c.counter(retriesDesc, m.retries[r].Load(), resource)
		c.counter(upgradesDesc, m.upgrades[r].Load(), resource)
		m.took[r].collect(c, resource)
	}
	c.gauge(inflightDesc, float64(m.inflight.Load()))
	c.counter(droppedDesc, m.dropped.Load())
	if m.ejections != nil {
		dial, frozen := m.ejections()
		c.counter(ejectedDesc, dial, "dial")
		c.counter(ejectedDesc, frozen, "frozen")
	}
	m.collectUpgrades(c)
}

// collectRequests shows the codes that were answered, so that there are as
// many series as there is news.
func (m *meters) collectRequests(c collector, r int) {
	for v, verb := range verbs {
		for i := range statuses {
			n := m.requests[r][v][i].Load()
			if n == 0 {
				continue
			}
			code := "other"
			if i > 0 {
				code = string(appendDigits(nil, i+minCode-1, 3))
			}
			c.counter(requestsDesc, n, resources[r], verb, code)
		}
	}
}

func (m *meters) collectUpgrades(c collector) {
	m.mu.Lock()
	defer m.mu.Unlock()
	total := m.upgraded
	for _, l := range m.live {
		for d, n := range l.bytes {
			total[l.resource][d] += uint64(max(n.Load(), 0))
		}
	}
	c.gauge(liveDesc, float64(len(m.live)))
	for r, resource := range resources {
		for d, name := range directionNames {
			c.counter(upgradedDesc, total[r][d], resource, name)
		}
	}
	for d, name := range directionNames {
		h := &m.sizes[d]
		cumulative, n := map[float64]uint64{}, uint64(0)
		for i, bound := range sizes {
			n += h.buckets[i]
			cumulative[float64(bound)] = n
		}
		n += h.buckets[len(sizes)]
		c.to <- prometheus.MustNewConstHistogram(sizesDesc, n, h.sum, cumulative, name)
	}
}

func (h *timeHistogram) collect(c collector, resource string) {
	cumulative, n := map[float64]uint64{}, uint64(0)
	for i, bound := range durations {
		n += h.buckets[i].Load()
		cumulative[bound.Seconds()] = n
	}
	n += h.buckets[len(durations)].Load()
	c.to <- prometheus.MustNewConstHistogram(tookDesc, n, float64(h.sum.Load())/1e9, cumulative, resource)
}

// collector sends metrics.
type collector struct{ to chan<- prometheus.Metric }

func (c collector) counter(d *prometheus.Desc, n uint64, labels ...string) {
	c.to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
}

func (c collector) gauge(d *prometheus.Desc, n float64, labels ...string) {
	c.to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, n, labels...)
}
