// Package load makes load on an HTTPS server and says what came of it: by wrk
// for HTTP/1.1, h2load for HTTP/2, and programs of its own where those have
// none (WebSocket, idle connections). It is a part of bench and stands beside
// the house of internal/.
package load

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// Request is what is asked for again and again.
type Request struct {
	// URL begins with https://. The server's certificate is not verified: that
	// is the client's cost alone.
	URL string
	// Authorization is the header of that name; empty for none.
	Authorization string
	// Certificate is a PEM file of a client certificate and its key; empty for
	// none. It needs Preload.
	Certificate string
	// Preload is the library by which tools without a flag for it present
	// Certificate; see BuildPreload.
	Preload string
}

// Result is what came of a load.
type Result struct {
	Requests int64         // answered with 2xx
	Failed   int64         // answered otherwise, or not at all
	Bytes    int64         // received in answers to Requests, heads included where the tool counts them
	Duration time.Duration // of the load
	P50, P99 time.Duration // of the time of a request; 0 if not measured
	CPU      time.Duration // that the tool itself used
}

// Rate is requests per second.
func (r Result) Rate() float64 { return float64(r.Requests) / r.Duration.Seconds() }

// Check returns an error unless every request was answered well, with at least
// size bytes of body. Up to inFlight requests may have been cut by the end.
func (r Result) Check(size, inFlight int64) error {
	switch {
	case r.Failed > 0:
		return fmt.Errorf("%d of %d requests failed", r.Failed, r.Requests+r.Failed)
	case r.Requests == 0:
		return fmt.Errorf("no request was answered within %v", r.Duration)
	case r.Bytes < (r.Requests-inFlight)*size:
		return fmt.Errorf("%d answers have %d bytes, too few for bodies of %d", r.Requests, r.Bytes, size)
	case r.Bytes > (r.Requests+inFlight)*(size+maxHead):
		return fmt.Errorf("%d answers have %d bytes, too many for bodies of %d", r.Requests, r.Bytes, size)
	}
	return nil
}

// maxHead is more than any answer's head, in bytes.
const maxHead = 1024

// run runs a tool and returns what it wrote and the time it used.
func run(ctx context.Context, r Request, name string, args ...string) (string, time.Duration, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	var out, failure bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &failure
	cmd.Env = os.Environ()
	if r.Certificate != "" {
		cmd.Env = append(cmd.Env, "LD_PRELOAD="+r.Preload, "CLIENT_CERTIFICATE="+r.Certificate)
	}
	if err := cmd.Run(); err != nil {
		return "", 0, fmt.Errorf("%s: %w: %s", name, err, strings.TrimSpace(failure.String()))
	}
	return out.String(), cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), nil
}
