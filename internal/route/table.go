package route

import (
	"hash/maphash"
	"maps"
	"sync"
	"sync/atomic"
)

// shards bounds how much of a Table one write copies.
const shards = 256

// Table is a map for what every request reads and only watches write: a read
// takes no lock and allocates nothing, however many entries there are. A write
// copies one shard. Values must not be changed once stored, except by their
// own atomics.
type Table[K comparable, V any] struct {
	seed   maphash.Seed
	mu     sync.Mutex
	shards [shards]atomic.Pointer[map[K]V]
}

// NewTable returns an empty table.
func NewTable[K comparable, V any]() *Table[K, V] {
	return &Table[K, V]{seed: maphash.MakeSeed()}
}

// Load returns the value under the key.
func (t *Table[K, V]) Load(key K) (V, bool) {
	if m := t.shard(key).Load(); m != nil {
		v, ok := (*m)[key]
		return v, ok
	}
	var none V
	return none, false
}

// LoadOrStore returns the value under the key, and stores the one that build
// makes if there is none.
func (t *Table[K, V]) LoadOrStore(key K, build func() V) V {
	if v, ok := t.Load(key); ok {
		return v
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if v, ok := t.Load(key); ok {
		return v
	}
	v := build()
	t.change(key, func(m map[K]V) { m[key] = v })
	return v
}

// Store sets the value under the key.
func (t *Table[K, V]) Store(key K, value V) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.change(key, func(m map[K]V) { m[key] = value })
}

// Delete removes the key.
func (t *Table[K, V]) Delete(key K) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, ok := t.Load(key); ok {
		t.change(key, func(m map[K]V) { delete(m, key) })
	}
}

// DeleteFunc removes the entries for which drop is true.
func (t *Table[K, V]) DeleteFunc(drop func(K, V) bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range t.shards {
		m := t.shards[i].Load()
		if m == nil {
			continue
		}
		kept := maps.Clone(*m)
		maps.DeleteFunc(kept, drop)
		if len(kept) != len(*m) {
			t.shards[i].Store(&kept)
		}
	}
}

// Len counts the entries.
func (t *Table[K, V]) Len() int {
	n := 0
	for i := range t.shards {
		if m := t.shards[i].Load(); m != nil {
			n += len(*m)
		}
	}
	return n
}

func (t *Table[K, V]) shard(key K) *atomic.Pointer[map[K]V] {
	return &t.shards[maphash.Comparable(t.seed, key)%shards]
}

// change replaces the key's shard by a changed copy. The caller holds mu.
func (t *Table[K, V]) change(key K, edit func(map[K]V)) {
	shard := t.shard(key)
	m := make(map[K]V)
	if old := shard.Load(); old != nil {
		m = maps.Clone(*old)
	}
	edit(m)
	shard.Store(&m)
}
