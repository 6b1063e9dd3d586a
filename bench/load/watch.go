package load

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Watch holds streams of events, each a line, that are all told of the same
// changes.
type Watch struct {
	Streams int
	// Change makes an event that all streams are to see.
	Change func(ctx context.Context) error
}

// Run opens the streams, and then makes changes for that long, each when all
// have seen the last. Result.Requests are events that came, and its times are
// those from the begin of a change to its event.
func (w Watch) Run(ctx context.Context, url string, length time.Duration) (Result, error) {
	ctx, cancel := context.WithCancel(ctx)
	client := &http.Client{Transport: &http.Transport{MaxIdleConns: -1}}
	events := make(chan event, w.Streams)
	failed := make(chan error, w.Streams)
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	for range w.Streams {
		running.Go(func() { failed <- follow(ctx, client, url, events) })
	}
	gather := func() ([]event, error) {
		var all []event
		for len(all) < w.Streams {
			select {
			case e := <-events:
				all = append(all, e)
			case err := <-failed:
				return nil, fmt.Errorf("a stream ended: %w", err)
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		return all, nil
	}
	if _, err := gather(); err != nil { // what is there already
		return Result{}, err
	}
	return w.measure(ctx, length, gather)
}

func (w Watch) measure(ctx context.Context, length time.Duration, gather func() ([]event, error)) (Result, error) {
	var r Result
	var times []time.Duration
	for begun := time.Now(); r.Duration < length; r.Duration = time.Since(begun) {
		changed := time.Now()
		if err := w.Change(ctx); err != nil {
			return Result{}, err
		}
		all, err := gather()
		if err != nil {
			return Result{}, err
		}
		for _, e := range all {
			times = append(times, e.at.Sub(changed))
			r.Bytes += int64(e.size)
		}
		r.Requests += int64(len(all))
	}
	slices.Sort(times)
	r.P50, r.P99 = times[len(times)/2], times[len(times)*99/100]
	return r, nil
}

type event struct {
	at   time.Time
	size int
}

// follow reads one stream until ctx ends. What ends earlier is an error.
func follow(ctx context.Context, client *http.Client, url string, events chan<- event) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	size := 0
	for lines := bufio.NewReader(resp.Body); ; {
		part, err := lines.ReadSlice('\n')
		size += len(part)
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil:
			return err
		}
		select {
		case events <- event{time.Now(), size}:
			size = 0
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
