package register

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
)

func TestParseMemory(t *testing.T) {
	for _, test := range []struct {
		name, text  string
		total, free int64
		wrong       string
	}{
		{name: "usual", text: "MemTotal:       16384 kB\nMemFree: 1 kB\nMemAvailable:    8192 kB\n", total: 16 << 20, free: 8 << 20},
		{name: "no available", text: "MemTotal: 1 kB\n", wrong: "lacks"},
		{name: "empty", wrong: "lacks"},
		{name: "no number", text: "MemTotal: much kB\n", wrong: "not an amount"},
		{name: "negative", text: "MemTotal: -4 kB\n", wrong: "not an amount"},
		{name: "beyond int64", text: "MemTotal: 9223372036854775807 kB\n", wrong: "not an amount"},
	} {
		t.Run(test.name, func(t *testing.T) {
			total, free, err := parseMemory([]byte(test.text))
			if test.wrong != "" {
				if err == nil || !strings.Contains(err.Error(), test.wrong) {
					t.Errorf("got %v, want an error with %q", err, test.wrong)
				}
				return
			}
			if err != nil || total != test.total || free != test.free {
				t.Errorf("got %d, %d, %v; want %d, %d", total, free, err, test.total, test.free)
			}
		})
	}
}

func TestParseProcesses(t *testing.T) {
	if got, err := parseProcesses([]byte("0.20 0.18 0.12 1/812 30000\n")); err != nil || got != 812 {
		t.Errorf("got %d, %v; want 812", got, err)
	}
	for _, text := range []string{"", "1 2 3", "1 2 3 4", "1 2 3 1/x", "1 2 3 1/-2"} {
		if got, err := parseProcesses([]byte(text)); err == nil {
			t.Errorf("%q is read as %d", text, got)
		}
	}
}

func TestParseRelease(t *testing.T) {
	for text, want := range map[string]string{
		"NAME=x\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n": "Debian GNU/Linux 12 (bookworm)",
		"PRETTY_NAME=Arch":             "Arch",
		"PRETTY_NAME='a'":              "a",
		`PRETTY_NAME="a \"b\" \\ \$c"`: `a "b" \ $c`,
		"PRETTY_NAME=\"":               `"`,
		"":                             "",
	} {
		if got := parseRelease([]byte(text)); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}

func FuzzMachineFiles(f *testing.F) {
	f.Add([]byte("MemTotal: 16384 kB\nMemAvailable: 1 kB\n"))
	f.Add([]byte("0.20 0.18 0.12 1/812 30000\n"))
	f.Add([]byte("PRETTY_NAME=\"\n"))
	f.Add([]byte("PRETTY_NAME='\\'"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if total, free, err := parseMemory(text); err == nil && (total < 0 || free < 0) {
			t.Errorf("memory %d, %d", total, free)
		}
		if n, err := parseProcesses(text); err == nil && n < 0 {
			t.Errorf("%d processes", n)
		}
		if name := parseRelease(text); len(name) > len(text) || strings.Contains(name, "\n") {
			t.Errorf("release %q", name)
		}
	})
}

func TestPressureIsSeen(t *testing.T) {
	const gib = 1 << 30
	calm := use{memory: 8 * gib, memoryFree: 4 * gib, processes: 100, idsLimit: 1000}
	for _, test := range []struct {
		name   string
		change func(*use)
		want   corev1.NodeConditionType
	}{
		{"calm", func(*use) {}, ""},
		{"nothing known", func(u *use) { *u = use{} }, ""},
		{"little memory", func(u *use) { u.memoryFree = 99 << 20 }, corev1.NodeMemoryPressure},
		{"little disk", func(u *use) { u.scarce = "space of the disk of pods" }, corev1.NodeDiskPressure},
		{"many threads", func(u *use) { u.processes = 960 }, corev1.NodePIDPressure},
	} {
		t.Run(test.name, func(t *testing.T) {
			u := calm
			test.change(&u)
			for _, p := range pressures {
				if got, want := p.seen(u), p.kind == test.want; got != want {
					t.Errorf("%s: %v, want %v", p.kind, got, want)
				}
			}
		})
	}
}

func TestPressureIsHeldForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &Node{pressed: map[corev1.NodeConditionType]time.Time{}}
		disk := pressures[1]
		look := func(seen bool) corev1.ConditionStatus { return n.pressure(disk, seen, time.Now()).Status }
		if look(false) != corev1.ConditionFalse || look(true) != corev1.ConditionTrue {
			t.Error("pressure is not told of when it is seen")
		}
		time.Sleep(hold - time.Second)
		if look(false) != corev1.ConditionTrue {
			t.Error("forgotten too early")
		}
		time.Sleep(time.Second)
		if look(false) != corev1.ConditionFalse {
			t.Error("held too long")
		}
	})
}

func TestStatusIsDueWhenItChangesOrIsOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &Node{pressed: map[corev1.NodeConditionType]time.Time{}, running: true}
		n.cfg.Dir = t.TempDir()
		var is corev1.NodeStatus
		n.fill(&is)
		now := func() *corev1.NodeStatus {
			wanted := is.DeepCopy()
			n.fill(wanted)
			return wanted
		}
		if !due(&corev1.NodeStatus{}, now()) {
			t.Error("the first status is not due")
		}
		time.Sleep(beat)
		if due(&is, now()) {
			t.Error("due, though nothing has changed")
		}
		unknown := is.DeepCopy() // as the control plane does with a silent node
		find(unknown.Conditions, corev1.NodeReady).Status = corev1.ConditionUnknown
		if !due(unknown, now()) {
			t.Error("a condition that the control plane has changed is not set right")
		}
		time.Sleep(longestSilence)
		if !due(&is, now()) {
			t.Error("not due, though the last one is old")
		}
	})
}

func TestTheRuntimeIsToldOfAsSoonAsItIsKnown(t *testing.T) {
	n := &Node{pressed: map[corev1.NodeConditionType]time.Time{}}
	known := ""
	n.cfg.Runtime = func() string { return known }
	status := corev1.NodeStatus{NodeInfo: corev1.NodeSystemInfo{ContainerRuntimeVersion: "containerd://1.7.0"}}
	for _, step := range []struct{ known, want string }{{"", "containerd://1.7.0"}, {"containerd://2.0.0", "containerd://2.0.0"}} {
		known = step.known
		n.fill(&status)
		if got := status.NodeInfo.ContainerRuntimeVersion; got != step.want {
			t.Errorf("when %q is known it tells of %q, want %q", step.known, got, step.want)
		}
	}
}
