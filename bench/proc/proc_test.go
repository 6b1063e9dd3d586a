package proc

import (
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestStatusOfAProcess(t *testing.T) {
	got, err := parseStatus("Name:\tnginx\nVmHWM:\t   14852 kB\nVmRSS:\t   13112 kB\nRssAnon:\t    5480 kB\nRssFile:\t    7632 kB\n")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Memory{Resident: 13112 << 10, Peak: 14852 << 10, Own: 5480 << 10}, got); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []string{"", "VmRSS:\t1 kB\n", "VmHWM:\t1 kB\nVmRSS:\tx kB\nRssAnon:\t1 kB\n"} {
		if got, err := parseStatus(bad); err == nil {
			t.Errorf("%q gives %+v, want an error", bad, got)
		}
	}
}

func TestTimesOfTheMachine(t *testing.T) {
	got, err := parseStat("cpu  100 1 20 3000 40 5 6 7 0 0\ncpu0 1 2 3\n")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Machine{Busy: 132 * tick, Stolen: 7 * tick, All: 3179 * tick}, got); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []string{"", "cpu 1 2 3\n", "cpu0 1 2 3 4 5 6 7 8\n", "cpu 1 2 3 4 5 6 7 -8\n"} {
		if got, err := parseStat(bad); err == nil {
			t.Errorf("%q gives %+v, want an error", bad, got)
		}
	}
}

func TestThisProcessUsesTimeAndMemory(t *testing.T) {
	before, err := CPU(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	for begun := time.Now(); time.Since(begun) < 20*time.Millisecond; { //nolint:revive // it is to use time
	}
	after, err := CPU(os.Getpid())
	if err != nil || after <= before {
		t.Errorf("CPU went from %v to %v (%v)", before, after, err)
	}
	if m, err := MemoryOf(os.Getpid()); err != nil || m.Own <= 0 || m.Peak < m.Own {
		t.Errorf("memory is %+v (%v)", m, err)
	}
}

func TestKernelTimeOfAProcess(t *testing.T) {
	got, err := parseKernel("7 (a) b) c) S 1 2 3 4 5 6 7 8 9 10 11 42 13 14 15\n")
	if err != nil || got != 42*tick {
		t.Errorf("%v (%v)", got, err)
	}
	for _, bad := range []string{"", "7 (x) S 1 2", "7 (x) S 1 2 3 4 5 6 7 8 9 10 11 x"} {
		if got, err := parseKernel(bad); err == nil {
			t.Errorf("%q gives %v, want an error", bad, got)
		}
	}
	if _, err := Kernel(os.Getpid()); err != nil {
		t.Error(err)
	}
}

func FuzzKernel(f *testing.F) {
	f.Add("7 (a b) S 1 2 3 4 5 6 7 8 9 10 11 42 13 14 15\n")
	f.Fuzz(func(t *testing.T, text string) {
		if d, err := parseKernel(text); d < 0 || err != nil && d != 0 {
			t.Errorf("%v (%v)", d, err)
		}
	})
}

func FuzzStatus(f *testing.F) {
	f.Add("Name:\tnginx\nVmHWM:\t   14852 kB\nVmRSS:\t   13112 kB\nRssAnon:\t    5480 kB\n")
	f.Fuzz(func(t *testing.T, text string) {
		if m, err := parseStatus(text); err != nil && m != (Memory{}) {
			t.Errorf("an error, and yet %+v", m)
		}
	})
}

func FuzzStat(f *testing.F) {
	f.Add("cpu  100 1 20 3000 40 5 6 7 0 0\n")
	f.Fuzz(func(t *testing.T, text string) {
		if m, err := parseStat(text); err != nil && m != (Machine{}) {
			t.Errorf("an error, and yet %+v", m)
		}
	})
}
