package proxy

import (
	"context"
	"fmt"
	"time"

	"github.com/causeway-access/causeway/bench/load"
	"github.com/causeway-access/causeway/bench/proc"
)

// soakSlice is how often a soak tells how it goes.
const soakSlice = time.Minute

// soak holds the load of requests on one subject and tells every minute what
// failed and how much memory it has, and at the end how many local ports wait.
func (b *bench) soak(ctx context.Context, s *subject) ([]Figure, error) {
	const title = "soak, HTTP/1.1, 1 KiB, 32 connections"
	tool := load.Wrk{Dir: b.Dir, Connections: 32}
	add := func(name, unit string, value float64) {
		b.samples.add(Figure{Case: title, Subject: s.name, Name: name, Unit: unit}, value)
	}
	var failed int64
	for begun, minute := time.Now(), 1; time.Since(begun) < b.Soak; minute++ {
		result, err := tool.Run(ctx, s.to("web", "1k"), min(soakSlice, b.Soak-time.Since(begun)))
		if err != nil {
			return nil, err
		}
		memory, err := proc.MemoryOf(s.server.pid())
		if err != nil {
			return nil, err
		}
		waiting, err := proc.TimeWait()
		if err != nil {
			return nil, err
		}
		failed += result.Failed
		add("requests", "1/s", result.Rate())
		add(fmt.Sprintf("memory after minute %d", minute), "MB", float64(memory.Resident)/1e6)
		say("soak: minute %d: %.0f requests/s, %d failed so far, %.0f MB resident, %d ports wait", minute, result.Rate(), failed,
			float64(memory.Resident)/1e6, waiting)
	}
	waiting, err := proc.TimeWait()
	if err != nil {
		return nil, err
	}
	add("failed requests", "", float64(failed))
	add("local ports in TIME_WAIT", "", float64(waiting))
	return b.samples.figures(), nil
}
