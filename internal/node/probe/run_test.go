package probe_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/causeway-access/causeway/internal/node/probe"
)

// asks is a probe by a command that the test answers.
func asks(command string, change func(*corev1.Probe)) *corev1.Probe {
	p := &corev1.Probe{ProbeHandler: corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{command}}},
		PeriodSeconds: 10, TimeoutSeconds: 1, SuccessThreshold: 1, FailureThreshold: 3}
	if change != nil {
		change(p)
	}
	return p
}

// play runs the probes of a container for a while and returns what happened,
// each with its second. An answer is what the command says at that second.
func play(t *testing.T, c corev1.Container, cfg probe.Config, seconds int, answer func(command string, second int) error) []string {
	t.Helper()
	var told []string
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		cfg.Started = begun
		second := func() int { return int(time.Since(begun) / time.Second) }
		cfg.Target = probe.Target{Container: &c, Exec: func(_ context.Context, args []string) (int, []byte, error) {
			err := answer(args[0], second())
			if errors.Is(err, errNobody) {
				return 0, nil, err
			}
			if err != nil {
				return 1, []byte(err.Error()), nil
			}
			return 0, nil, nil
		}}
		cfg.Report = func(r probe.Report) {
			line := fmt.Sprintf("%d %s", second(), r.EventMessage())
			if r.EventReason() == "" {
				line = fmt.Sprintf("%d %s", second(), r.Kind)
			}
			if r.Changed {
				line += fmt.Sprintf(", healthy %v", r.Healthy)
			}
			told = append(told, line)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(seconds)*time.Second)
		defer cancel()
		probe.Run(ctx, cfg)
	})
	return told
}

var (
	errBad    = errors.New("bad")
	errNobody = errors.New("nobody to ask")
)

// badIn answers badly within [from, to).
func badIn(from, to int) func(string, int) error {
	return func(_ string, second int) error {
		if from <= second && second < to {
			return errBad
		}
		return nil
	}
}

func TestVerdictsFollowTheThresholds(t *testing.T) {
	for _, test := range []struct {
		name      string
		container corev1.Container
		cfg       probe.Config
		seconds   int
		answer    func(string, int) error
		want      []string
	}{
		{name: "no probes", seconds: 100, answer: badIn(0, 100)},
		{
			name:      "ready at once",
			container: corev1.Container{ReadinessProbe: asks("r", nil)}, seconds: 35, answer: badIn(0, 0),
			want: []string{"0 Readiness, healthy true"},
		},
		{
			name:      "ready after a delay",
			container: corev1.Container{ReadinessProbe: asks("r", func(p *corev1.Probe) { p.InitialDelaySeconds = 7 })}, seconds: 35, answer: badIn(0, 0),
			want: []string{"7 Readiness, healthy true"},
		},
		{
			name:      "ready after two successes",
			container: corev1.Container{ReadinessProbe: asks("r", func(p *corev1.Probe) { p.SuccessThreshold = 2 })}, seconds: 35, answer: badIn(0, 0),
			want: []string{"10 Readiness, healthy true"},
		},
		{
			name:      "two failures are not three",
			container: corev1.Container{ReadinessProbe: asks("r", nil)}, seconds: 45, answer: badIn(10, 30),
			want: []string{"0 Readiness, healthy true", "10 Readiness probe failed: bad", "20 Readiness probe failed: bad"},
		},
		{
			name:      "not ready, and ready again",
			container: corev1.Container{ReadinessProbe: asks("r", nil)}, seconds: 65, answer: badIn(10, 50),
			want: []string{"0 Readiness, healthy true", "10 Readiness probe failed: bad", "20 Readiness probe failed: bad",
				"30 Readiness probe failed: bad, healthy false", "40 Readiness probe failed: bad", "50 Readiness, healthy true"},
		},
		{
			name:      "never ready",
			container: corev1.Container{ReadinessProbe: asks("r", nil)}, seconds: 15, answer: badIn(0, 99),
			want: []string{"0 Readiness probe failed: bad", "10 Readiness probe failed: bad"},
		},
		{
			name:      "found ready",
			container: corev1.Container{ReadinessProbe: asks("r", nil)}, cfg: probe.Config{Ready: true}, seconds: 25, answer: badIn(0, 99),
			want: []string{"0 Readiness probe failed: bad", "10 Readiness probe failed: bad", "20 Readiness probe failed: bad, healthy false"},
		},
		{
			name:      "nobody to ask changes nothing",
			container: corev1.Container{LivenessProbe: asks("l", func(p *corev1.Probe) { p.FailureThreshold = 1 })}, seconds: 15,
			answer: func(string, int) error { return errNobody },
			want: []string{"0 Liveness probe errored and resulted in unknown state: nobody to ask",
				"10 Liveness probe errored and resulted in unknown state: nobody to ask"},
		},
		{
			name:      "a liveness probe ends with its verdict",
			container: corev1.Container{LivenessProbe: asks("l", nil)}, seconds: 100, answer: badIn(10, 99),
			want: []string{"10 Liveness probe failed: bad", "20 Liveness probe failed: bad", "30 Liveness probe failed: bad, healthy false"},
		},
		{
			name: "a startup probe holds the others back",
			container: corev1.Container{StartupProbe: asks("s", func(p *corev1.Probe) { p.PeriodSeconds, p.FailureThreshold = 5, 30 }),
				LivenessProbe: asks("l", nil), ReadinessProbe: asks("r", nil)}, seconds: 25,
			answer: func(command string, second int) error {
				if command == "s" && second < 15 {
					return errBad
				}
				return nil
			},
			want: []string{"0 Startup probe failed: bad", "5 Startup probe failed: bad", "10 Startup probe failed: bad",
				"15 Startup, healthy true", "15 Readiness, healthy true"},
		},
		{
			name: "a startup that fails is the end",
			container: corev1.Container{StartupProbe: asks("s", func(p *corev1.Probe) { p.PeriodSeconds = 5 }),
				ReadinessProbe: asks("r", nil)}, seconds: 100,
			answer: func(command string, _ int) error {
				if command == "r" {
					return nil
				}
				return errBad
			},
			want: []string{"0 Startup probe failed: bad", "5 Startup probe failed: bad", "10 Startup probe failed: bad, healthy false"},
		},
		{
			name:      "what was found started is not asked again",
			container: corev1.Container{StartupProbe: asks("s", nil), ReadinessProbe: asks("r", nil)}, cfg: probe.Config{StartedUp: true}, seconds: 5,
			answer: func(command string, _ int) error {
				if command == "s" {
					return errBad
				}
				return nil
			},
			want: []string{"0 Readiness, healthy true"},
		},
		{
			name:      "no figures given are the API's defaults",
			container: corev1.Container{LivenessProbe: &corev1.Probe{ProbeHandler: asks("l", nil).ProbeHandler}}, seconds: 100, answer: badIn(0, 99),
			want: []string{"0 Liveness probe failed: bad", "10 Liveness probe failed: bad", "20 Liveness probe failed: bad, healthy false"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := play(t, test.container, test.cfg, test.seconds, test.answer)
			if d := cmp.Diff(test.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestASlowAnswerIsAFailureAfterItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		var at []time.Duration
		ctx, cancel := context.WithTimeout(t.Context(), 25*time.Second)
		defer cancel()
		probe.Run(ctx, probe.Config{Started: begun, Target: probe.Target{
			Container: &corev1.Container{ReadinessProbe: asks("r", func(p *corev1.Probe) { p.TimeoutSeconds = 3 })},
			Exec:      func(ctx context.Context, _ []string) (int, []byte, error) { <-ctx.Done(); return 0, nil, ctx.Err() },
		}, Report: func(r probe.Report) {
			if r.Result.Outcome != probe.Failure {
				t.Errorf("got %v", r.Result)
			}
			at = append(at, time.Since(begun))
		}})
		// The period counts from one beginning to the next.
		if d := cmp.Diff([]time.Duration{3 * time.Second, 13 * time.Second, 23 * time.Second}, at); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
	})
}

func TestContainersThatAreFoundAreNotAskedAllAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		seen := map[time.Duration]bool{}
		for range 20 {
			ctx, cancel := context.WithCancel(t.Context())
			from := time.Now()
			probe.Run(ctx, probe.Config{Started: begun.Add(-time.Hour), Ready: true, Target: probe.Target{
				Container: &corev1.Container{ReadinessProbe: asks("r", nil)},
				Exec: func(context.Context, []string) (int, []byte, error) {
					seen[time.Since(from)] = true
					cancel()
					return 0, nil, nil
				},
			}, Report: func(probe.Report) {}})
			cancel()
		}
		if len(seen) < 10 {
			t.Errorf("20 containers were asked at %d moments", len(seen))
		}
	})
}
