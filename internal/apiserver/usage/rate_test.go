package usage

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"
)

// answer is what an agent says of one container at a time.
func answer(t *testing.T, start, at time.Time, cpu time.Duration) *summary {
	t.Helper()
	var s summary
	text := fmt.Sprintf(`{"node": {}, "pods": [{"podRef": {"uid": "u"}, "containers": [{"name": "c", "startTime": %q,
		"cpu": {"time": %q, "usageCoreNanoSeconds": %d}, "memory": {"workingSetBytes": 1048576}}]}]}`,
		start.Format(time.RFC3339), at.Format(time.RFC3339), cpu)
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		t.Fatal(err)
	}
	return &s
}

// A rate is that since the answer before, or since the start if there was none,
// or if the container has been started anew.
func TestRatesAreOverTheTimeThatIsKnown(t *testing.T) {
	began := time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)
	again := began.Add(70 * time.Second)
	var one sample
	for i, step := range []struct {
		start  time.Time
		after  time.Duration
		cpu    time.Duration
		milli  int64
		window time.Duration
	}{
		{began, 40 * time.Second, 10 * time.Second, 250, 40 * time.Second},
		{began, 60 * time.Second, 30 * time.Second, 1000, 20 * time.Second},
		{again, 80 * time.Second, time.Second, 100, 10 * time.Second},
		{again, 80 * time.Second, time.Second, -1, 0}, // no time has passed
	} {
		one.take(answer(t, step.start, began.Add(step.after), step.cpu))
		m, ok := one.measured("u", &one.last["u"][0])
		if !ok {
			if step.milli >= 0 {
				t.Errorf("%d: nothing is known", i)
			}
			continue
		}
		if got := m.usage.Cpu().MilliValue(); got != step.milli || m.window != step.window || m.usage.Memory().Value() != 1<<20 {
			t.Errorf("%d: %dm of a processor over %v and %v, want %dm over %v", i, got, m.window, m.usage.Memory(), step.milli, step.window)
		}
	}
	if _, ok := one.measured("", &one.last[""][0]); ok {
		t.Error("something is known of a node that says nothing")
	}
}
