package observe

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// disk is a writer that may be slow or full.
type disk struct {
	mu      sync.Mutex
	text    bytes.Buffer
	writes  int
	blocked chan struct{} // nil, or what a write waits for
	err     error
}

func (d *disk) Write(p []byte) (int, error) {
	if d.blocked != nil {
		<-d.blocked
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.writes++
	if d.err != nil {
		return 0, d.err
	}
	return d.text.Write(p)
}

func (d *disk) lines() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Count(d.text.String(), "\n")
}

func add(b *batch, line string) {
	s := b.take()
	s.buf = append(s.buf, line...)
	b.give(s)
}

func TestLinesAreWrittenTogetherAndSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d disk
		b := newBatch(&d, slog.New(slog.DiscardHandler), "lines")
		defer b.close()
		for round := range 3 {
			for range 100 {
				add(b, "line\n")
			}
			time.Sleep(2 * writeEvery)
			synctest.Wait()
			if d.lines() != 100*(round+1) || d.writes > (round+1)*len(b.shards) {
				t.Fatalf("round %d: %d lines in %d writes", round, d.lines(), d.writes)
			}
		}
	})
}

func TestCloseWritesWhatIsLeft(t *testing.T) {
	var d disk
	b := newBatch(&d, slog.New(slog.DiscardHandler), "lines")
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range 1000 {
				add(b, fmt.Sprintf("%d %d\n", i, j))
			}
		})
	}
	all.Wait()
	b.close()
	if got := d.lines(); got != 8000 {
		t.Errorf("%d lines were written, want 8000", got)
	}
}

// While the disk stands still, those who may not lose a line wait, and those
// who may go on without.
func TestAFullBufferHoldsUpOrDrops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := disk{blocked: make(chan struct{})}
		b := newBatch(&d, slog.New(slog.DiscardHandler), "lines")
		line := strings.Repeat("x", 4095) + "\n"
		const more = 2000 // than there is room for
		var added int
		go func() {
			for range more {
				add(b, line)
				added++
			}
		}()
		synctest.Wait()
		if added == more {
			t.Fatal("nobody waited for the disk")
		}
		full := 0
		for _, s := range b.shards {
			if len(s.buf) >= shardRoom {
				full++
			}
		}
		if full == 0 {
			t.Error("there is still room in every shard")
		}
		close(d.blocked)
		synctest.Wait()
		b.close()
		if added != more || d.lines() != more {
			t.Errorf("%d lines were taken and %d written, want %d", added, d.lines(), more)
		}
	})
}

func TestAFailureToWriteIsTold(t *testing.T) {
	var log bytes.Buffer
	b := newBatch(&disk{err: errors.New("no space left on device")}, slog.New(slog.NewTextHandler(&log, nil)), "audit events")
	add(b, "line\n")
	b.close()
	if !strings.Contains(log.String(), "writing audit events: they are lost") || !strings.Contains(log.String(), "no space left") {
		t.Errorf("the log says %q", log.String())
	}
}

func TestAccessLinesAreDroppedAndCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := disk{blocked: make(chan struct{})}
		o, err := New(Config{AccessLog: &d})
		if err != nil {
			t.Fatal(err)
		}
		const n = 20000
		for range n { // must not wait
			l := &Line{Start: time.Now(), Path: "/" + strings.Repeat("x", 200)}
			o.Begin(l, nil)
			o.Account(l)
		}
		close(d.blocked)
		o.Close()
		dropped := int(o.meters.dropped.Load())
		if dropped == 0 || dropped+d.lines() != n {
			t.Errorf("%d lines were written and %d dropped, want %d together and some dropped", d.lines(), dropped, n)
		}
	})
}

func TestIDsAreUUIDs(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		id := NewID()
		if len(id) != 36 || id[14] != '4' || !strings.ContainsRune("89ab", rune(id[19])) || strings.Count(id, "-") != 4 || seen[id] {
			t.Fatalf("%q is no random UUID, or not the first of its kind", id)
		}
		seen[id] = true
	}
}
