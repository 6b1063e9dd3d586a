package load_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/causeway-access/causeway/bench/load"
)

// notices serves streams that begin with a line, and get one for each change.
type notices struct {
	mu      sync.Mutex
	streams map[chan struct{}]bool
}

func (n *notices) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	changed := make(chan struct{}, 1)
	n.mu.Lock()
	n.streams[changed] = true
	n.mu.Unlock()
	for {
		fmt.Fprintln(w, strings.Repeat("x", 8000))
		w.(http.Flusher).Flush()
		select {
		case <-changed:
		case <-r.Context().Done():
			return
		}
	}
}

func (n *notices) change(context.Context) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	for c := range n.streams {
		c <- struct{}{}
	}
	return nil
}

func TestWatchCountsEventsOfAllStreams(t *testing.T) {
	n := &notices{streams: map[chan struct{}]bool{}}
	server := httptest.NewServer(n)
	defer server.Close()
	changes := 0
	change := func(ctx context.Context) error { changes++; return n.change(ctx) }
	r, err := load.Watch{Streams: 20, Change: change}.Run(t.Context(), server.URL, 50*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if want := int64(20 * changes); changes == 0 || r.Requests != want || r.Bytes != want*8001 || r.P50 <= 0 || r.P99 < r.P50 {
		t.Errorf("%d changes: %+v", changes, r)
	}
}

func TestWatchFailsWithItsStreams(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	_, err := load.Watch{Streams: 3, Change: func(context.Context) error { return nil }}.Run(t.Context(), server.URL, time.Second)
	if err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("got %v", err)
	}
}
