package localproxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
)

const (
	// checkEvery is how often servers are asked whether they are ready, and
	// checkTime how long they may take to say so.
	checkEvery = 2 * time.Second
	checkTime  = 3 * time.Second
	// discoverEvery is how often the cluster is asked for its API servers.
	discoverEvery = 30 * time.Second
)

// State is what is known of a server's health.
type State string

// The states of a server. One that was not checked yet is used like one that
// is up.
const (
	Unknown State = "unknown"
	Up      State = "up"
	Down    State = "down"
)

// servers are the API servers of one cluster.
type servers struct {
	cfg Config

	mu  sync.RWMutex
	all []*server
}

func newServers(cfg Config) (*servers, error) {
	s := &servers{cfg: cfg}
	for _, host := range append([]string{cfg.REST.Host}, cfg.Servers...) {
		one, err := newServer(cfg, host, false)
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(s.all, func(o *server) bool { return o.url.String() == one.url.String() }) {
			s.all = append(s.all, one)
		}
	}
	return s, nil
}

func (s *servers) list() []*server {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Clone(s.all)
}

// pick returns the least busy server that is not down; if all are, one that
// was not tried, since checks may be wrong and a try tells why. Of servers
// equally busy the one that is named first counts.
func (s *servers) pick(tried []*server) *server {
	var best, last *server
	for _, one := range s.list() {
		switch {
		case slices.Contains(tried, one):
		case one.snapshot().State == Down:
			if last == nil {
				last = one
			}
		case best == nil || one.inflight.Load() < best.inflight.Load():
			best = one
		}
	}
	if best == nil {
		return last
	}
	return best
}

// watch checks the servers, and asks the cluster for others, until ctx ends.
func (s *servers) watch(ctx context.Context) {
	check, discover := time.NewTicker(checkEvery), time.NewTicker(discoverEvery)
	defer check.Stop()
	defer discover.Stop()
	s.checkAll(ctx)
	s.discover(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case <-check.C:
			s.checkAll(ctx)
		case <-discover.C:
			s.discover(ctx)
		}
	}
}

func (s *servers) checkAll(ctx context.Context) {
	var all sync.WaitGroup
	for _, one := range s.list() {
		all.Go(func() {
			err := one.check(ctx)
			if ctx.Err() != nil {
				return
			}
			if changed, h := one.note(err, time.Now()); changed {
				s.cfg.Log.Info("API server is "+string(h.State), "server", h.URL, "reason", h.Reason)
			}
		})
	}
	all.Wait()
}

// check asks the server whether it is ready, and once whether it takes a
// credential from Proxy-Authorization. That a user may not read /readyz is an
// answer too: one of a server that is alive.
func (s *server) check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	status, err := s.get(ctx, "/readyz")
	switch {
	case err != nil:
		return err
	case status >= http.StatusInternalServerError:
		return fmt.Errorf("it is not ready: /readyz answers %d", status)
	case s.splits.Load():
		return nil
	}
	if status, err := s.get(forApplication(ctx, nil), "/api"); err == nil && status == http.StatusOK {
		s.splits.Store(true)
	}
	return nil
}

// get asks for a path and returns the status.
func (s *server) get(ctx context.Context, path string) (int, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.at(path).String(), nil)
	if err != nil {
		return 0, err
	}
	resp, err := s.plain.RoundTrip(r)
	if err != nil {
		if cause := context.Cause(ctx); errors.Is(cause, context.DeadlineExceeded) {
			return 0, fmt.Errorf("it did not answer within %v", checkTime)
		}
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	return resp.StatusCode, err
}

func (s *servers) close() {
	for _, one := range s.list() {
		one.close()
	}
}
