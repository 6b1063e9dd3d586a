package endpoint

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"time"

	"github.com/causeway-access/causeway/internal/route"
)

const (
	stickyShards = 64
	// stickyMost bounds the clients remembered per shard; beyond it the ones
	// met first in the map make room.
	stickyMost = 4096
)

// sticky remembers which endpoint a client of a service with affinity was
// given. Only requests to such services come here, and they spread over the
// shards.
type sticky struct {
	once   sync.Once
	seed   maphash.Seed
	shards [stickyShards]stickyShard
}

type stickyShard struct {
	sync.Mutex
	kept map[client]stay
}

// put is called with the lock held.
func (s *stickyShard) put(c client, st stay) {
	if s.kept == nil {
		s.kept = make(map[client]stay)
	}
	if _, known := s.kept[c]; !known && len(s.kept) >= stickyMost {
		for other := range s.kept {
			delete(s.kept, other)
			break
		}
	}
	s.kept[c] = st
}

type client struct {
	namespace, service, port string
	addr                     netip.Addr
}

type stay struct {
	endpoint route.Endpoint
	until    time.Time
}

func stickyKey(b *route.Backend, addr netip.Addr) client {
	return client{b.Namespace, b.Name, b.Port, addr}
}

func (s *sticky) find(c client, now time.Time) (route.Endpoint, bool) {
	shard := &s.shards[s.index(c)]
	shard.Lock()
	defer shard.Unlock()
	st, ok := shard.kept[c]
	return st.endpoint, ok && now.Before(st.until)
}

// settle is keep, unless another request of the client has settled meanwhile
// on another endpoint than before: then it returns that one.
func (s *sticky) settle(c client, before, e route.Endpoint, now, until time.Time) route.Endpoint {
	shard := &s.shards[s.index(c)]
	shard.Lock()
	defer shard.Unlock()
	if st, ok := shard.kept[c]; ok && now.Before(st.until) && st.endpoint != before {
		return st.endpoint
	}
	shard.put(c, stay{e, until})
	return e
}

func (s *sticky) keep(c client, e route.Endpoint, until time.Time) {
	shard := &s.shards[s.index(c)]
	shard.Lock()
	defer shard.Unlock()
	shard.put(c, stay{e, until})
}

func (s *sticky) sweep(now time.Time) {
	for i := range s.shards {
		shard := &s.shards[i]
		shard.Lock()
		for c, st := range shard.kept {
			if !now.Before(st.until) {
				delete(shard.kept, c)
			}
		}
		shard.Unlock()
	}
}

func (s *sticky) index(c client) uint64 {
	s.once.Do(func() { s.seed = maphash.MakeSeed() })
	return maphash.Comparable(s.seed, c) % stickyShards
}
