package load

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// wrkScript makes wrk say its result in a line of its own, with exact numbers.
//
//go:embed wrk.lua
var wrkScript []byte

// Wrk loads with HTTP/1.1 on kept connections.
type Wrk struct {
	// Dir is where its script is written.
	Dir         string
	Connections int
	// Upload is the size of a request's body in bytes; 0 for GET requests.
	Upload int
}

// Run makes load for that long.
func (w Wrk) Run(ctx context.Context, r Request, length time.Duration) (Result, error) {
	script := filepath.Join(w.Dir, "wrk.lua")
	if err := os.WriteFile(script, wrkScript, 0o600); err != nil {
		return Result{}, err
	}
	args := []string{
		"--threads", "1", "--connections", strconv.Itoa(w.Connections),
		"--duration", fmt.Sprintf("%ds", seconds(length)), "--timeout", "10s", "--script", script,
	}
	if r.Authorization != "" {
		args = append(args, "--header", "Authorization: "+r.Authorization)
	}
	args = append(args, r.URL, "--", strconv.Itoa(w.Upload))
	out, cpu, err := run(ctx, r, "wrk", args...)
	if err != nil {
		return Result{}, err
	}
	result, err := parseWrk(out)
	result.CPU = cpu
	return result, err
}

// seconds is a length in whole seconds, at least one: the tools know no less.
func seconds(length time.Duration) int { return max(1, int(length.Round(time.Second)/time.Second)) }

// most is more than any count or time can be, and small enough to reckon with.
const most = 1 << 50

// parseWrk reads the line of our script in what wrk writes.
func parseWrk(out string) (Result, error) {
	for line := range strings.Lines(out) {
		text, found := strings.CutPrefix(line, "result ")
		if !found {
			continue
		}
		var said struct { // times in microseconds
			Requests, Failed, Bytes, Duration, P50, P99 int64
		}
		if err := json.Unmarshal([]byte(text), &said); err != nil {
			return Result{}, fmt.Errorf("read the result of wrk: %w", err)
		}
		for _, n := range []int64{said.Requests, said.Failed, said.Bytes, said.Duration, said.P50, said.P99} {
			if n < 0 || n > most {
				return Result{}, fmt.Errorf("read the result of wrk: %+v cannot be", said)
			}
		}
		if said.Failed > said.Requests || said.Duration == 0 {
			return Result{}, fmt.Errorf("read the result of wrk: %+v cannot be", said)
		}
		return Result{
			Requests: said.Requests - said.Failed, Failed: said.Failed, Bytes: said.Bytes,
			Duration: microseconds(said.Duration), P50: microseconds(said.P50), P99: microseconds(said.P99),
		}, nil
	}
	return Result{}, errors.New("read the result of wrk: it has none")
}

func microseconds(n int64) time.Duration { return time.Duration(n) * time.Microsecond }
