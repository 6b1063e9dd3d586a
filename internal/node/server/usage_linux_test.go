package server

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-access/causeway/internal/podrun"
)

const (
	statExample = "cpu  100 20 30 4000 500 6 7 8 99 9\ncpu0 1 2 3\n"
	infoExample = "MemTotal:        2000 kB\nMemFree:          500 kB\nMemAvailable:    1500 kB\nHugePages_Total:       0\n"
)

func TestUsageIsReadAsTheKernelWritesIt(t *testing.T) {
	got, err := parseUsage([]byte(statExample), []byte(infoExample))
	want := podrun.Stats{CPU: 1710 * time.Millisecond, Memory: 500 << 10}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if now, err := usage(); err != nil || now.CPU == 0 || now.Memory == 0 {
		t.Errorf("here and now: %+v, %v", now, err)
	}
}

func TestTheStartOfTheMachineIsRead(t *testing.T) {
	for text, want := range map[string]int64{
		"cpu 1\nbtime 1700000000\nprocesses 1\n": 1700000000, "btime x\n": 0, "cpu 1\n": 0, "": 0,
	} {
		if got := parseBoot([]byte(text)); (want == 0) != (got == nil) || got != nil && got.Unix() != want {
			t.Errorf("%q: %v, want %d", text, got, want)
		}
	}
	if at := booted(); at == nil || at.After(time.Now()) {
		t.Errorf("this machine was started at %v", at)
	}
}

func FuzzParseUsage(f *testing.F) {
	f.Add([]byte(statExample), []byte(infoExample))
	f.Add([]byte("cpu 1 2"), []byte("MemTotal: 1 kB\nMemAvailable: 2 kB\n"))
	f.Add([]byte("cpu a b c d e f g h i"), []byte("MemTotal: x kB\n"))
	f.Fuzz(func(t *testing.T, stat, info []byte) {
		if got, err := parseUsage(stat, info); err != nil && !cmp.Equal(got, podrun.Stats{}) {
			t.Errorf("%+v with %v", got, err)
		}
	})
}

func TestRatesAreTakenOverTime(t *testing.T) {
	var r rates
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for i, test := range []struct {
		after time.Duration
		cpu   time.Duration
		want  *uint64
	}{
		{0, time.Second, nil},
		{time.Second, 2 * time.Second, nil}, // too soon
		{10 * time.Second, 6 * time.Second, new(uint64(500_000_000))},
		{11 * time.Second, 12 * time.Second, new(uint64(1_000_000_000))}, // since the first
		{20 * time.Second, 7 * time.Second, new(uint64(100_000_000))},
		{30 * time.Second, time.Second, nil}, // another one of that name
	} {
		if diff := cmp.Diff(test.want, r.of("x", test.cpu, at.Add(test.after))); diff != "" {
			t.Errorf("%d (-want +got):\n%s", i, diff)
		}
	}
}
