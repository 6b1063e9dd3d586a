package probe

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// Kind is which of a container's probes.
type Kind string

// Kinds, with the names that events call them by.
const (
	Startup   Kind = "Startup"
	Liveness  Kind = "Liveness"
	Readiness Kind = "Readiness"
)

// Report is what there is to tell of an attempt.
type Report struct {
	Kind   Kind
	Result Result
	// Healthy is the verdict by the probe's thresholds, Changed that it has
	// just become so. A container starts as live, and not ready.
	Healthy, Changed bool
}

// EventReason is the reason of the event that tells people of it, empty if
// there is nothing to tell.
func (r Report) EventReason() string {
	switch r.Result.Outcome {
	case Failure, Unknown:
		return "Unhealthy"
	case Warning:
		return "ProbeWarning"
	}
	return ""
}

// EventMessage is the text of that event.
func (r Report) EventMessage() string {
	happened := "failed"
	switch r.Result.Outcome {
	case Unknown:
		happened = "errored and resulted in unknown state"
	case Warning:
		happened = "warning"
	}
	return string(r.Kind) + " probe " + happened + ": " + r.Result.Message
}

// Config says what to watch over.
type Config struct {
	Target Target
	// Started is when the container began to run.
	Started time.Time
	// StartedUp and Ready are what is known of a container that is found
	// running: its startup probe is not asked again, and it stays ready until
	// its readiness probe says otherwise.
	StartedUp, Ready bool
	// Report is called for each attempt that did not plainly succeed and for
	// each change of a verdict, by one goroutine at a time. It may cancel Run's
	// context, but may not wait for Run.
	Report func(Report)
}

// Run asks the probes of one container until ctx ends. As long as the startup
// probe has not succeeded, the others wait. A startup or liveness probe ends
// with its failure (Changed and not Healthy): the container is to be restarted,
// and the next one gets a Run of its own. What the container has no probe for is
// not reported: without a startup probe it counts as started, without a
// readiness probe as ready.
func Run(ctx context.Context, cfg Config) {
	c := cfg.Target.Container
	r := &reporter{tell: cfg.Report}
	if c.StartupProbe != nil && !cfg.StartedUp {
		l := loop{kind: Startup, probe: c.StartupProbe, cfg: &cfg, report: r.report}
		if !l.run(ctx) {
			return
		}
	}
	var others sync.WaitGroup
	defer others.Wait()
	if c.LivenessProbe != nil {
		l := loop{kind: Liveness, probe: c.LivenessProbe, cfg: &cfg, report: r.report, healthy: true}
		others.Go(func() { l.run(ctx) })
	}
	if c.ReadinessProbe != nil {
		l := loop{kind: Readiness, probe: c.ReadinessProbe, cfg: &cfg, report: r.report, healthy: cfg.Ready}
		others.Go(func() { l.run(ctx) })
	}
}

// reporter has one report told at a time.
type reporter struct {
	mu   sync.Mutex
	tell func(Report)
}

func (r *reporter) report(one Report) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tell(one)
}

// loop is one probe of a container.
type loop struct {
	kind    Kind
	probe   *corev1.Probe
	cfg     *Config
	report  func(Report)
	healthy bool

	last Outcome // Success or Failure
	row  int32   // how many times in a row
}

// run asks until ctx ends or the probe has no more to say. It returns whether
// the startup probe has succeeded.
func (l *loop) run(ctx context.Context) bool {
	period := seconds(l.probe.PeriodSeconds, 10)
	for wait := l.first(period); ; {
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return false
		case <-timer.C:
		}
		begun := time.Now()
		result := l.ask(ctx)
		if ctx.Err() != nil {
			return false
		}
		if changed := l.take(result); changed && (l.kind == Startup || l.kind == Liveness && !l.healthy) {
			return l.healthy
		}
		wait = max(period-time.Since(begun), 0) // from beginning to beginning
	}
}

// first is how long to wait for the first attempt. A container that has been
// running is one that this agent found: not all of those are asked at once.
func (l *loop) first(period time.Duration) time.Duration {
	wait := time.Until(l.cfg.Started.Add(seconds(l.probe.InitialDelaySeconds, 0)))
	if wait < -period && (l.cfg.StartedUp || l.cfg.Ready) {
		return rand.N(period)
	}
	return max(wait, 0)
}

func (l *loop) ask(ctx context.Context) Result {
	ctx, cancel := context.WithTimeout(ctx, seconds(l.probe.TimeoutSeconds, 1))
	defer cancel()
	return Check(ctx, l.cfg.Target, l.probe.ProbeHandler)
}

// take counts a result and reports what is worth it. It returns whether the
// verdict has changed. The first verdict of a startup probe is a change.
func (l *loop) take(result Result) (changed bool) {
	if result.Outcome != Unknown {
		changed = l.count(result.Outcome != Failure)
	}
	if changed || result.Outcome != Success {
		l.report(Report{Kind: l.kind, Result: result, Healthy: l.healthy, Changed: changed})
	}
	return changed
}

func (l *loop) count(ok bool) (changed bool) {
	now, threshold := Success, l.probe.SuccessThreshold
	if !ok {
		now, threshold = Failure, l.probe.FailureThreshold
		if threshold == 0 {
			threshold = 3
		}
	}
	if now != l.last {
		l.last, l.row = now, 0
	}
	l.row = min(l.row+1, threshold+1)
	if l.row < threshold {
		return false
	}
	changed = l.healthy != ok || l.kind == Startup
	l.healthy = ok
	return changed
}

// seconds is a number of seconds, or the API's default if it is zero.
func seconds(n, otherwise int32) time.Duration {
	if n == 0 {
		n = otherwise
	}
	return time.Duration(n) * time.Second
}
