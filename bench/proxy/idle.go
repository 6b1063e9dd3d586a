package proxy

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/causeway-access/causeway/bench/load"
	"github.com/causeway-access/causeway/bench/proc"
)

const (
	idleConnections = 10000
	// idleSettle is how long connections have been idle when memory is read.
	idleSettle = 5 * time.Second
)

// measureIdle opens many connections to each subject, and compares its memory
// before and with them. It is done after the loads, whose peaks of memory it
// would hide; what they left in memory and is used again is not seen.
func (b *bench) measureIdle(ctx context.Context, subjects []*subject) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	if limit.Max < idleConnections+500 {
		return fmt.Errorf("%d idle connections need as many descriptors and some more, and the limit is %d: raise it with ulimit -Hn", idleConnections, limit.Max)
	}
	measured := map[*server]bool{} // a second subject of the same process would use what the first has left
	for _, s := range subjects {
		if measured[s.server] {
			continue
		}
		measured[s.server] = true
		if err := b.idleOne(ctx, s); err != nil {
			return fmt.Errorf("idle connections, %s: %w", s.name, err)
		}
	}
	return nil
}

func (b *bench) idleOne(ctx context.Context, s *subject) (err error) {
	if err := proc.ResetPeak(s.server.pid()); err != nil {
		return fmt.Errorf("reset the peak of memory: %w", err)
	}
	before, err := proc.MemoryOf(s.server.pid())
	if err != nil {
		return err
	}
	request := s.to("web", "1k")
	idle, err := load.OpenIdle(ctx, request, idleConnections)
	defer func() { err = errors.Join(err, idle.Close()) }()
	if err != nil {
		return err
	}
	select {
	case <-time.After(idleSettle):
	case <-ctx.Done():
		return ctx.Err()
	}
	with, err := proc.MemoryOf(s.server.pid())
	if err != nil {
		return err
	}
	if err := idle.Alive(request); err != nil {
		return err
	}
	add := func(name, unit string, value float64) {
		b.samples.Add(Figure{Case: fmt.Sprintf("%d idle connections", idleConnections), Subject: s.name, Name: name, Unit: unit, Compare: true}, value)
	}
	each := float64(with.Resident-before.Resident) / idleConnections / 1e3
	add("memory each", "kB", each)
	add("resident", "MB", float64(with.Resident)/1e6)
	add("peak while opening", "MB", float64(with.Peak)/1e6)
	say("%d idle connections: %s: %.1f kB each", idleConnections, s.name, each)
	return nil
}
