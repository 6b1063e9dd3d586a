package proxy

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"time"

	"github.com/causeway-access/causeway/bench/load"
	"github.com/causeway-access/causeway/bench/proc"
)

// measureCase puts one load on all subjects, in rounds: what disturbs the
// machine for a while then disturbs all of them.
func (b *bench) measureCase(ctx context.Context, c caseOf, subjects []*subject) error {
	for round := range b.Rounds {
		for _, s := range subjects {
			if err := b.measureOne(ctx, c, s); err != nil {
				return fmt.Errorf("%s, %s, round %d: %w", c.title, s.name, round+1, err)
			}
		}
	}
	return b.profile(ctx, c, subjects)
}

// measureOne puts one load on one subject.
func (b *bench) measureOne(ctx context.Context, c caseOf, s *subject) error {
	if _, err := c.load(ctx, b, s, c.warm); err != nil {
		return err
	}
	if err := proc.ResetPeak(s.server.pid()); err != nil {
		return fmt.Errorf("reset the peak of memory: %w", err)
	}
	before, err := b.spentNow(s)
	if err != nil {
		return err
	}
	result, err := c.load(ctx, b, s, b.Window)
	if err != nil {
		return err
	}
	after, err := b.spentNow(s)
	if err != nil {
		return err
	}
	if err := result.Check(c.size, c.inFlight); err != nil {
		return err
	}
	return b.record(c, s, result, after.sub(before))
}

// spent is processor time.
type spent struct {
	subject, kernel time.Duration // kernel is a part of subject, less exactly
	ours            time.Duration // of everything that bench started, and its own
	machine         proc.Machine
}

func (b *bench) spentNow(s *subject) (spent, error) {
	var now spent
	var err error
	if now.subject, err = proc.CPU(s.server.pid()); err != nil {
		return spent{}, err
	}
	if now.kernel, err = proc.Kernel(s.server.pid()); err != nil {
		return spent{}, err
	}
	pids := []int{os.Getpid()}
	for _, server := range b.servers {
		pids = append(pids, server.pid())
	}
	for _, pid := range pids {
		used, err := proc.CPU(pid)
		if err != nil {
			return spent{}, err
		}
		now.ours += used
	}
	now.machine, err = proc.MachineNow()
	return now, err
}

func (s spent) sub(then spent) spent {
	return spent{
		subject: s.subject - then.subject, kernel: s.kernel - then.kernel,
		ours: s.ours - then.ours, machine: s.machine.Sub(then.machine),
	}
}

// record keeps what was measured of one load.
func (b *bench) record(c caseOf, s *subject, result load.Result, used spent) error {
	memory, err := proc.MemoryOf(s.server.pid())
	if err != nil {
		return err
	}
	add := func(name, unit string, value float64) {
		b.samples.Add(Figure{Case: c.title, Subject: s.name, Name: name, Unit: unit, Compare: unit != "%"}, value)
	}
	perRequest := float64(used.subject) / float64(result.Requests)
	if c.carried > 0 {
		add("carried", "MB/s", result.Rate()*float64(c.carried)/1e6)
		add("CPU", c.cpuUnit(), perRequest/float64(time.Millisecond))
	} else {
		add(cmp.Or(c.counted, "requests"), "1/s", result.Rate())
		add("CPU", c.cpuUnit(), perRequest/float64(time.Microsecond))
	}
	add("in the kernel", "%", 100*float64(used.kernel)/float64(used.subject))
	add("p50", "ms", milliseconds(result.P50))
	add("p99", "ms", milliseconds(result.P99))
	add("peak memory", "MB", float64(memory.Peak)/1e6)
	// What neither we nor the tool have used, others have.
	foreign := used.machine.Busy - used.ours - result.CPU
	add("foreign CPU", "%", 100*float64(max(0, foreign)+used.machine.Stolen)/float64(used.machine.All))
	say("%s: %s: %.0f/s, %.1f us of CPU each, %.1f %% foreign", c.title, s.name, result.Rate(), perRequest/float64(time.Microsecond),
		100*float64(foreign)/float64(used.machine.All))
	return nil
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
