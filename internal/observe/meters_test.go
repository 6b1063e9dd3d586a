package observe_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"k8s.io/apiserver/pkg/authorization/authorizer"

	"github.com/causeway-access/causeway/internal/observe"
)

// gathered returns the values of a registry by name and labels, without what
// is zero; a histogram's is its count.
func gathered(t *testing.T, registry *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetName()+"="+l.GetValue())
			}
			name := strings.TrimPrefix(family.GetName(), "causeway_gateway_") + "{" + strings.Join(labels, ",") + "}"
			if v := value(m); v != 0 {
				got[name] = v
			}
		}
	}
	return got
}

func value(m *dto.Metric) float64 {
	if h := m.GetHistogram(); h != nil {
		return float64(h.GetSampleCount())
	}
	return m.GetCounter().GetValue() + m.GetGauge().GetValue()
}

// request is a line of a request that took so long.
func request(resource, verb string, status int, took time.Duration) *observe.Line {
	return &observe.Line{
		Start: time.Now().Add(-took), Status: status,
		Attributes: authorizer.AttributesRecord{Resource: resource, Verb: verb},
	}
}

func TestRequestsAreCounted(t *testing.T) {
	registry := prometheus.NewRegistry()
	o, err := observe.New(observe.Config{Register: registry.Register, Ejections: func() (uint64, uint64) { return 4, 5 }})
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	one := request("services", "get", 200, 20*time.Millisecond)
	one.Sent, one.Received, one.Retries = 100, 10, 2
	for _, l := range []*observe.Line{
		one, request("services", "get", 200, time.Hour), request("nodes", "create", 403, 0),
		request("gadgets", "frobnicate", 1000, 0), {Start: time.Now(), Status: 401},
	} {
		o.Begin(l, nil)
		o.Account(l)
	}
	o.Begin(request("pods", "get", 0, 0), nil)
	want := map[string]float64{
		"requests_total{code=200,resource=services,verb=get}": 2,
		"requests_total{code=403,resource=nodes,verb=create}": 1,
		"requests_total{code=other,resource=none,verb=none}":  1,
		"requests_total{code=401,resource=none,verb=none}":    1,
		"request_duration_seconds{resource=services}":         2,
		"request_duration_seconds{resource=nodes}":            1,
		"request_duration_seconds{resource=none}":             2,
		"bytes_total{direction=sent,resource=services}":       100,
		"bytes_total{direction=received,resource=services}":   10,
		"retries_total{resource=services}":                    2,
		"requests_in_flight{}":                                1,
		"ejections_total{kind=dial}":                          4,
		"ejections_total{kind=frozen}":                        5,
	}
	if diff := cmp.Diff(want, gathered(t, registry)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// A slow request stands in the bucket of its time, and in all above.
func TestDurationsAreInSeconds(t *testing.T) {
	registry := prometheus.NewRegistry()
	o, err := observe.New(observe.Config{Register: registry.Register})
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	l := request("pods", "get", 200, 3*time.Second)
	o.Begin(l, nil)
	o.Account(l)
	families, _ := registry.Gather()
	for _, family := range families {
		if family.GetName() != "causeway_gateway_request_duration_seconds" {
			continue
		}
		for _, m := range family.GetMetric() {
			h := m.GetHistogram()
			if h.GetSampleCount() == 0 {
				continue
			}
			if sum := h.GetSampleSum(); sum < 3 || sum > 3.9 {
				t.Errorf("the sum is %v s, want about 3", sum)
			}
			for _, b := range h.GetBucket() {
				want := uint64(0)
				if b.GetUpperBound() >= 5 {
					want = 1
				}
				if b.GetCumulativeCount() != want {
					t.Errorf("%d requests took at most %v s, want %d", b.GetCumulativeCount(), b.GetUpperBound(), want)
				}
			}
			return
		}
	}
	t.Error("no duration was counted")
}

// An upgraded connection's bytes are seen while it lives and not twice after.
func TestUpgradesAreCountedWhileTheyLive(t *testing.T) {
	registry := prometheus.NewRegistry()
	o, err := observe.New(observe.Config{Register: registry.Register})
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	l := request("pods", "get", 101, 0)
	l.Upgrade = true
	var sent, received atomic.Int64
	o.Begin(l, nil)
	o.Upgraded(l, &sent, &received)
	sent.Store(70)
	received.Store(7)
	during := map[string]float64{
		"requests_in_flight{}": 1, "upgraded_connections{}": 1,
		"upgrade_bytes_total{direction=sent,resource=pods}": 70, "upgrade_bytes_total{direction=received,resource=pods}": 7,
	}
	if diff := cmp.Diff(during, gathered(t, registry)); diff != "" {
		t.Errorf("while it lives, -want +got:\n%s", diff)
	}
	l.Sent, l.Received = 71, 7
	o.Account(l)
	after := map[string]float64{
		"requests_total{code=101,resource=pods,verb=get}": 1, "upgrades_total{resource=pods}": 1,
		"upgrade_bytes_total{direction=sent,resource=pods}": 71, "upgrade_bytes_total{direction=received,resource=pods}": 7,
		"upgraded_connection_bytes{direction=sent}": 1, "upgraded_connection_bytes{direction=received}": 1,
	}
	if diff := cmp.Diff(after, gathered(t, registry)); diff != "" {
		t.Errorf("after it, -want +got:\n%s", diff)
	}
}
