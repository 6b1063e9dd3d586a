package observe

import (
	"io"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"sync"
	"time"
)

const (
	// writeEvery is how long a line may wait for others.
	writeEvery = 200 * time.Millisecond
	// shardRoom is how many bytes may wait in one shard, and shardMuch from
	// how many on they are written without waiting longer.
	shardRoom = 256 << 10
	shardMuch = shardRoom / 4
	maxShards = 16
)

// batch gathers lines in memory and writes many at once, from a goroutine of
// its own. Lines are spread over shards, so that no lock is shared by all
// requests; those of one moment may therefore change places in what is written.
type batch struct {
	out    io.Writer
	log    *slog.Logger
	what   string // lines of this kind, for messages
	shards []*shard
	some   chan struct{} // a shard is no longer empty
	much   chan struct{} // a shard is filling up
	stop   chan struct{}
	done   sync.WaitGroup
	spare  []byte // the writer's
}

// shard holds lines that wait. Whoever took it appends whole lines to buf.
type shard struct {
	mu   sync.Mutex
	room *sync.Cond
	buf  []byte
	now  clock
	_    [64]byte // keeps two shards off one cache line
}

func newBatch(out io.Writer, log *slog.Logger, what string) *batch {
	b := &batch{
		out: out, log: log, what: what, shards: make([]*shard, shardCount()),
		some: make(chan struct{}, 1), much: make(chan struct{}, 1), stop: make(chan struct{}),
	}
	for i := range b.shards {
		s := new(shard)
		s.room = sync.NewCond(&s.mu)
		b.shards[i] = s
	}
	b.done.Go(b.run)
	return b
}

// shardCount is the power of two that suits the number of processors.
func shardCount() int {
	n := 1
	for n < runtime.GOMAXPROCS(0) && n < maxShards {
		n *= 2
	}
	return n
}

// take returns a shard with room for a line, locked. It waits for the writer
// if there is none.
func (b *batch) take() *shard {
	s := b.lock()
	for len(s.buf) >= shardRoom {
		s.room.Wait()
	}
	return s
}

// tryTake is take, but returns nil rather than wait for the writer.
func (b *batch) tryTake() *shard {
	s := b.lock()
	if len(s.buf) >= shardRoom {
		s.mu.Unlock()
		return nil
	}
	return s
}

// lock takes a shard that nobody holds if that is easily found.
func (b *batch) lock() *shard {
	i := rand.Uint32()
	for n := range uint32(len(b.shards)) {
		if s := b.shards[int(i+n)&(len(b.shards)-1)]; s.mu.TryLock() {
			return s
		}
	}
	s := b.shards[int(i)&(len(b.shards)-1)]
	s.mu.Lock()
	return s
}

// give returns a shard after lines were appended to it.
func (b *batch) give(s *shard) {
	n := len(s.buf)
	s.mu.Unlock()
	if n >= shardMuch {
		signal(b.much)
	}
	// The writer takes the signal, then all shards: a line that it misses has
	// left another signal.
	if len(b.some) == 0 {
		signal(b.some)
	}
}

func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// run writes what has gathered, some time after the first line of it came.
func (b *batch) run() {
	timer := time.NewTimer(writeEvery)
	defer timer.Stop()
	for {
		select {
		case <-b.some:
		case <-b.stop:
			b.flush()
			return
		}
		timer.Reset(writeEvery)
		select {
		case <-timer.C:
		case <-b.much:
		case <-b.stop:
		}
		b.flush()
	}
}

// flush writes what the shards hold.
func (b *batch) flush() {
	for _, s := range b.shards {
		s.mu.Lock()
		full := s.buf
		s.buf = b.spare[:0]
		s.room.Broadcast()
		s.mu.Unlock()
		b.spare = full
		if len(full) == 0 {
			continue
		}
		if _, err := b.out.Write(full); err != nil {
			b.log.Error("writing "+b.what+": they are lost", "bytes", len(full), "error", err)
		}
	}
}

// close writes what is left and ends the writer.
func (b *batch) close() {
	close(b.stop)
	b.done.Wait()
}
