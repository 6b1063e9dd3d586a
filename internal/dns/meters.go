package dns

import (
	"strconv"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus"
)

// source is where an answer comes from.
type source int

const (
	fromNone    source = iota // nobody was asked
	fromCluster               // the snapshot
	fromCache                 // what another server said before
	fromOthers                // another server
	sources
)

var sourceNames = [sources]string{fromNone: "none", fromCluster: "cluster", fromCache: "cache", fromOthers: "upstream"}

// types are those that are counted apart. There are few, whatever clients ask:
// that lets a counter be found by index, without hashing and without a lock.
var types = [...]uint16{
	dns.TypeNone, dns.TypeA, dns.TypeAAAA, dns.TypeSRV, dns.TypePTR, dns.TypeTXT, dns.TypeCNAME, dns.TypeMX,
	dns.TypeNS, dns.TypeSOA, dns.TypeHTTPS, dns.TypeANY,
}

// codes is how many response codes are counted apart; the last is all others.
const codes = dns.RcodeBadVers + 2

// took are the upper bounds of the histogram's buckets.
var took = [...]time.Duration{
	50 * time.Microsecond, 100 * time.Microsecond, 250 * time.Microsecond, 500 * time.Microsecond, time.Millisecond,
	5 * time.Millisecond, 10 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 5 * time.Second,
}

var (
	answersDesc = describe("answers_total", "Questions that were answered, by type, response code, and where the answer came from.", "type", "rcode", "source")
	tookDesc    = describe("answer_duration_seconds", "Time from a question to its answer, by where the answer came from.", "source")
	cachedDesc  = describe("cache_entries", "Answers of upstream servers that are remembered.")
)

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName("causeway", "dns", name), help, labels, nil)
}

// meters are the metrics of the server.
type meters struct {
	answers [len(types)][codes][sources]atomic.Uint64
	took    [sources]histogram
	cached  func() int
}

type histogram struct {
	buckets [len(took) + 1]atomic.Uint64 // the last has no bound
	sum     atomic.Uint64                // nanoseconds
}

var _ prometheus.Collector = (*meters)(nil)

func newMeters(cached func() int) *meters { return &meters{cached: cached} }

// count adds an answer.
func (m *meters) count(qtype uint16, code int, from source, d time.Duration) {
	t := 0
	for i, known := range types {
		if known == qtype {
			t = i
		}
	}
	if code < 0 || code >= codes-1 {
		code = codes - 1
	}
	m.answers[t][code][from].Add(1)
	h, bucket := &m.took[from], 0
	for bucket < len(took) && d > took[bucket] {
		bucket++
	}
	h.buckets[bucket].Add(1)
	h.sum.Add(uint64(max(d, 0)))
}

// Describe implements [prometheus.Collector].
func (m *meters) Describe(to chan<- *prometheus.Desc) {
	to <- answersDesc
	to <- tookDesc
	to <- cachedDesc
}

// Collect implements [prometheus.Collector]. It shows what was answered, so
// that there are as many series as there is news.
func (m *meters) Collect(to chan<- prometheus.Metric) {
	for t := range m.answers {
		for code := range m.answers[t] {
			for from := range m.answers[t][code] {
				if n := m.answers[t][code][from].Load(); n > 0 {
					to <- prometheus.MustNewConstMetric(answersDesc, prometheus.CounterValue, float64(n), typeName(t), codeName(code), sourceNames[from])
				}
			}
		}
	}
	for from := range m.took {
		h := &m.took[from]
		cumulative, n := map[float64]uint64{}, uint64(0)
		for i, bound := range took {
			n += h.buckets[i].Load()
			cumulative[bound.Seconds()] = n
		}
		n += h.buckets[len(took)].Load()
		to <- prometheus.MustNewConstHistogram(tookDesc, n, float64(h.sum.Load())/1e9, cumulative, sourceNames[from])
	}
	to <- prometheus.MustNewConstMetric(cachedDesc, prometheus.GaugeValue, float64(m.cached()))
}

func typeName(t int) string {
	if t == 0 {
		return "other"
	}
	return dns.TypeToString[types[t]]
}

func codeName(code int) string {
	if code == codes-1 {
		return "other"
	}
	if name, ok := dns.RcodeToString[code]; ok {
		return name
	}
	return strconv.Itoa(code)
}
