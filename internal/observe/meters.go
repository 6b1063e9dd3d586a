package observe

import (
	"sync"
	"sync/atomic"
	"time"
)

// The label values of a request are few, whatever clients send: that is what
// lets its counters be found by index, without hashing and without a lock.
var (
	resources = [...]string{"none", "services", "pods", "nodes"}
	verbs     = [...]string{"none", "get", "create", "update", "patch", "delete"}
)

const (
	minCode = 100
	maxCode = 599
	// statuses has a place for each code, and the first for all others: a backend
	// may answer with any three digits.
	statuses = maxCode - minCode + 2
)

// Directions of bytes: sent is to the client.
const (
	sent = iota
	received
	directions
)

// durations are the upper bounds of the histogram's buckets.
var durations = [...]time.Duration{
	time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond, 10 * time.Millisecond, 25 * time.Millisecond,
	50 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond, time.Second,
	2500 * time.Millisecond, 5 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute,
}

// sizes are the upper bounds of the histogram of an upgraded connection's bytes.
var sizes = [...]int64{1 << 10, 16 << 10, 256 << 10, 1 << 20, 16 << 20, 256 << 20, 1 << 30, 16 << 30}

// meters are the metrics of the access path. collect.go shows them to
// Prometheus.
type meters struct {
	requests [len(resources)][len(verbs)][statuses]atomic.Uint64
	bytes    [len(resources)][directions]atomic.Uint64
	retries  [len(resources)]atomic.Uint64
	upgrades [len(resources)]atomic.Uint64
	took     [len(resources)]timeHistogram
	inflight atomic.Int64
	dropped  atomic.Uint64 // access lines

	ejections func() (dial, frozen uint64)

	mu       sync.Mutex // guards what follows, for upgrades alone
	live     map[*Line]live
	upgraded [len(resources)][directions]uint64 // bytes of those that are over
	sizes    [directions]sizeHistogram
}

// timeHistogram counts durations by bucket; the last has no bound.
type timeHistogram struct {
	buckets [len(durations) + 1]atomic.Uint64
	sum     atomic.Uint64 // nanoseconds
}

// sizeHistogram is guarded by meters.mu.
type sizeHistogram struct {
	buckets [len(sizes) + 1]uint64
	sum     float64
}

func newMeters(ejections func() (dial, frozen uint64)) *meters {
	return &meters{ejections: ejections, live: map[*Line]live{}}
}

// count adds a finished request.
func (m *meters) count(l *Line) {
	r, v := index(resources[:], l.about.resource), index(verbs[:], l.about.verb)
	m.requests[r][v][codeIndex(l.Status)].Add(1)
	if l.Retries > 0 {
		m.retries[r].Add(uint64(l.Retries))
	}
	if l.Upgrade {
		m.upgrades[r].Add(1)
		m.end(l, r)
		return
	}
	if l.Sent > 0 {
		m.bytes[r][sent].Add(uint64(l.Sent))
	}
	if l.Received > 0 {
		m.bytes[r][received].Add(uint64(l.Received))
	}
	took := max(l.End.Sub(l.Start), 0)
	h := &m.took[r]
	h.buckets[bucket(durations[:], took)].Add(1)
	h.sum.Add(uint64(took))
}

// index returns the place of a label's value; that of "none" if it has none.
func index(values []string, value string) int {
	for i, v := range values {
		if v == value {
			return i
		}
	}
	return 0
}

func codeIndex(status int) int {
	if status < minCode || status > maxCode {
		return 0
	}
	return status - minCode + 1
}

// bucket returns the first bucket whose bound is not below v.
func bucket[T int64 | time.Duration](bounds []T, v T) int {
	for i, bound := range bounds {
		if v <= bound {
			return i
		}
	}
	return len(bounds)
}

// Counter is a number that grows while others read it.
type Counter interface{ Load() int64 }

// live are the counters of an upgraded connection under way.
type live struct {
	resource int
	bytes    [directions]Counter
}

// Upgraded has the bytes of an upgraded connection counted while it lives.
// Account ends that, with what the line says then. The counters may be read
// until then.
func (o *Observer) Upgraded(l *Line, toClient, fromClient Counter) {
	r := index(resources[:], aboutOf(l.Attributes).resource)
	o.meters.mu.Lock()
	defer o.meters.mu.Unlock()
	o.meters.live[l] = live{resource: r, bytes: [directions]Counter{toClient, fromClient}}
}

// end adds the bytes of an upgraded connection that is over.
func (m *meters) end(l *Line, resource int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.live, l)
	for direction, n := range [directions]int64{sent: l.Sent, received: l.Received} {
		m.upgraded[resource][direction] += uint64(max(n, 0))
		h := &m.sizes[direction]
		h.buckets[bucket(sizes[:], n)]++
		h.sum += float64(max(n, 0))
	}
}
