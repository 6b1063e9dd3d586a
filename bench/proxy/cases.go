package proxy

import (
	"context"
	"time"

	"github.com/causeway-access/causeway/bench/load"
)

// caseOf is one load that all subjects get.
type caseOf struct {
	name  string // by which it is chosen
	title string
	// warm is put on a subject before it is measured.
	warm time.Duration
	// load puts the load on.
	load func(ctx context.Context, b *bench, s *subject, length time.Duration) (load.Result, error)
	// size is of each answer's body, and inFlight how many may be under way
	// when the load ends.
	size, inFlight int64
	// counted is what a request is called in the tables; empty for "requests".
	counted string
	// carried is how many bytes each request carries, for cases that tell of
	// bytes per second; 0 for those that tell of requests.
	carried int64
}

// cpuUnit is that of the time for one request.
func (c caseOf) cpuUnit() string {
	if c.carried > 0 {
		return "ms"
	}
	return "us"
}

// cases are all loads, in the order in which they run.
func cases() []caseOf {
	return []caseOf{
		{
			name: "h1", title: "HTTP/1.1, 1 KiB, 32 connections", warm: time.Second,
			load: wrk(32, "web", "1k", 0), size: smallSize, inFlight: 32,
		},
		{
			name: "h2", title: "HTTP/2, 1 KiB, 4 connections of 8 streams", warm: time.Second,
			load: h2load, size: smallSize, inFlight: 32,
		},
		{
			name: "down", title: "10 MiB downloads, 8 connections", warm: time.Second,
			load: wrk(8, "web", "10m", 0), size: largeSize, inFlight: 8, carried: largeSize,
		},
		{
			name: "up", title: "10 MiB uploads, 8 connections", warm: time.Second,
			load: wrk(8, "sink", "", largeSize), size: 1, inFlight: 8, carried: largeSize,
		},
		{
			name: "ws", title: "WebSocket echo of 128 B, 32 connections", warm: time.Second,
			load: webSocket, size: messageSize, counted: "round trips",
		},
	}
}

// wrk is a load of HTTP/1.1.
func wrk(connections int, service, path string, upload int) func(context.Context, *bench, *subject, time.Duration) (load.Result, error) {
	return func(ctx context.Context, b *bench, s *subject, length time.Duration) (load.Result, error) {
		return load.Wrk{Dir: b.Dir, Connections: connections, Upload: upload}.Run(ctx, s.to(service, path), length)
	}
}

func h2load(ctx context.Context, b *bench, s *subject, length time.Duration) (load.Result, error) {
	return load.H2load{Dir: b.Dir, Connections: 4, Streams: 8}.Run(ctx, s.to("web", "1k"), length)
}

const messageSize = 128

func webSocket(ctx context.Context, _ *bench, s *subject, length time.Duration) (load.Result, error) {
	return load.WebSocket{Connections: 32, Size: messageSize}.Run(ctx, s.to("echo", "ws"), length)
}
