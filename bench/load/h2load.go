package load

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// H2load loads with HTTP/2.
type H2load struct {
	// Dir is where it writes its log of requests.
	Dir                  string
	Connections, Streams int // Streams per connection
}

// quantileWindow is how long the load lasts that P50 and P99 are taken from.
const quantileWindow = time.Second

// Run makes load for that long. P50 and P99 are of another second before it:
// h2load tells the time of single requests only by a line of a file for each,
// which costs what the load must not have.
func (h H2load) Run(ctx context.Context, r Request, length time.Duration) (Result, error) {
	p50, p99, err := h.quantiles(ctx, r)
	if err != nil {
		return Result{}, err
	}
	return h.load(ctx, r, length, p50, p99)
}

func (h H2load) load(ctx context.Context, r Request, length, p50, p99 time.Duration) (Result, error) {
	out, cpu, err := run(ctx, r, "h2load", h.args(r, length)...)
	if err != nil {
		return Result{}, err
	}
	result, err := parseH2load(out)
	if err != nil {
		return Result{}, err
	}
	// It counts the requests of the time that was asked for, and then closes.
	result.Duration = time.Duration(seconds(length)) * time.Second
	result.P50, result.P99, result.CPU = p50, p99, cpu
	return result, nil
}

func (h H2load) args(r Request, length time.Duration, more ...string) []string {
	args := append([]string{
		"--threads=1", "--clients=" + strconv.Itoa(h.Connections), "--max-concurrent-streams=" + strconv.Itoa(h.Streams),
		fmt.Sprintf("--duration=%ds", seconds(length)),
	}, more...)
	if r.Authorization != "" {
		args = append(args, "--header=authorization: "+r.Authorization)
	}
	return append(args, r.URL)
}

func (h H2load) quantiles(ctx context.Context, r Request) (p50, p99 time.Duration, err error) {
	log := filepath.Join(h.Dir, "h2load.log")
	if err := os.Remove(log); err != nil && !errors.Is(err, os.ErrNotExist) {
		return 0, 0, err
	}
	if _, _, err := run(ctx, r, "h2load", h.args(r, quantileWindow, "--log-file="+log)...); err != nil {
		return 0, 0, err
	}
	text, err := os.ReadFile(log)
	if err != nil {
		return 0, 0, err
	}
	times, err := parseH2loadLog(string(text))
	if err != nil {
		return 0, 0, err
	}
	slices.Sort(times)
	return times[len(times)/2], times[len(times)*99/100], nil
}

var (
	h2Requests = regexp.MustCompile(`(?m)^requests: (\d+) total, (\d+) started, (\d+) done, (\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout$`)
	h2Statuses = regexp.MustCompile(`(?m)^status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx$`)
	h2Traffic  = regexp.MustCompile(`(?m)^traffic: .* \((\d+)\) data$`)
	h2Protocol = regexp.MustCompile(`(?m)^Application protocol: h2$`)
)

// parseH2load reads what h2load writes at its end.
func parseH2load(out string) (Result, error) {
	if !h2Protocol.MatchString(out) {
		return Result{}, errors.New("read the result of h2load: it did not speak HTTP/2")
	}
	requests, err1 := numbers(h2Requests.FindStringSubmatch(out))
	statuses, err2 := numbers(h2Statuses.FindStringSubmatch(out))
	traffic, err3 := numbers(h2Traffic.FindStringSubmatch(out))
	if err := errors.Join(err1, err2, err3); err != nil {
		return Result{}, fmt.Errorf("read the result of h2load: it is not as expected: %w", err)
	}
	return Result{
		Requests: statuses[0],
		// What had another status is among the failed, or is a redirect.
		// Requests that the end of the load cuts are not counted at all.
		Failed: requests[4] + statuses[1], Bytes: traffic[0],
	}, nil
}

// numbers are the groups of a match.
func numbers(match []string) ([]int64, error) {
	if len(match) < 2 {
		return nil, errors.New("a line is missing")
	}
	var all []int64
	for _, word := range match[1:] {
		n, err := strconv.ParseInt(word, 10, 64)
		if err != nil || n > most {
			return nil, fmt.Errorf("%s cannot be", word)
		}
		all = append(all, n)
	}
	return all, nil
}

// parseH2loadLog reads its file of requests: the start, the status, and how
// long it took, in microseconds.
func parseH2loadLog(text string) ([]time.Duration, error) {
	var times []time.Duration
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) < 3 {
			return nil, fmt.Errorf("read h2load's file of requests: %q has no three columns", line)
		}
		n, err := strconv.ParseInt(words[2], 10, 64)
		if err != nil || n < 0 || n > most {
			return nil, fmt.Errorf("read h2load's file of requests: %q is no time", words[2])
		}
		if words[1] == "200" {
			times = append(times, microseconds(n))
		}
	}
	if len(times) == 0 {
		return nil, errors.New("read h2load's file of requests: it has none that succeeded")
	}
	return times, nil
}
