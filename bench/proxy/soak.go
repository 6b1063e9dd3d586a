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
// failed, how much memory it has and how many local ports wait (TIME_WAIT).
func (b *bench) soak(ctx context.Context, s *subject) ([]Figure, error) {
	const title = "soak, HTTP/1.1, 1 KiB, 32 connections"
	tool := load.Wrk{Dir: b.Dir, Connections: 32}
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
		add := func(name, unit string, value float64) {
			b.samples.Add(Figure{Case: title, Subject: fmt.Sprintf("%s, minute %d", s.name, minute), Name: name, Unit: unit}, value)
		}
		add("requests", "1/s", result.Rate())
		add("failed", "requests", float64(result.Failed))
		add("resident", "MB", float64(memory.Resident)/1e6)
		add("waiting", "local ports", float64(waiting))
		say("soak: minute %d: %.0f requests/s, %d failed, %.0f MB resident, %d local ports wait", minute, result.Rate(), result.Failed,
			float64(memory.Resident)/1e6, waiting)
	}
	return b.samples.Figures(), nil
}
