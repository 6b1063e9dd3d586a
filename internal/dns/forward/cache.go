package forward

import (
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"
	"k8s.io/apimachinery/pkg/util/cache"
)

const (
	// largest is the longest answer that is remembered, in bytes: with
	// Config.CacheSize it bounds the memory.
	largest = 4096
	// failureLife is how long a failure is remembered. RFC 9520, section 3.2,
	// wants at least a second.
	failureLife = time.Second
)

// memory keeps answers for as long as they say, and not longer than maxTTL.
type memory struct {
	entries *cache.LRUExpireCache
	maxTTL  time.Duration
}

// kept is an answer and when it came.
type kept struct {
	msg *dns.Msg // not changed any more
	at  time.Time
}

func newMemory(size int, maxTTL time.Duration) *memory {
	return &memory{entries: cache.NewLRUExpireCache(size), maxTTL: maxTTL}
}

// keyOf names a question.
func keyOf(q Query) string {
	flags := 0
	if q.DNSSEC {
		flags |= 1
	}
	if q.CheckingDisabled {
		flags |= 2
	}
	return strings.ToLower(q.Name) + " " + strconv.Itoa(int(q.Type)) + " " + strconv.Itoa(flags)
}

// load returns a copy of what is remembered, its TTLs counted down.
func (m *memory) load(key string) (*dns.Msg, bool) {
	v, ok := m.entries.Get(key)
	if !ok {
		return nil, false
	}
	k, ok := v.(kept)
	if !ok {
		return nil, false
	}
	msg := k.msg.Copy()
	passed := uint32(max(time.Since(k.at), 0) / time.Second)
	for _, r := range records(msg) {
		h := r.Header()
		h.Ttl -= min(passed, h.Ttl)
	}
	return msg, true
}

// store remembers an answer if that is worth it. The TTLs in it are kept down
// to what it is remembered for at most, so that clients hear of a change as
// soon as the cache does.
func (m *memory) store(key string, msg *dns.Msg) {
	for _, r := range records(msg) {
		h := r.Header()
		h.Ttl = min(h.Ttl, uint32(m.maxTTL/time.Second))
	}
	life := min(lifeOf(msg), m.maxTTL)
	if life > 0 && msg.Len() <= largest {
		m.entries.Add(key, kept{msg.Copy(), time.Now()}, life)
	}
}

// lifeOf is how long an answer may be remembered.
func lifeOf(msg *dns.Msg) time.Duration {
	switch {
	case msg.Rcode == dns.RcodeServerFailure:
		return failureLife
	case msg.Rcode == dns.RcodeSuccess && len(msg.Answer) > 0:
		return shortest(records(msg))
	case msg.Rcode == dns.RcodeSuccess, msg.Rcode == dns.RcodeNameError:
		return negativeLife(msg)
	}
	return 0
}

// shortest is the shortest TTL of some records.
func shortest(all []dns.RR) time.Duration {
	ttl := all[0].Header().Ttl
	for _, r := range all[1:] {
		ttl = min(ttl, r.Header().Ttl)
	}
	return time.Duration(ttl) * time.Second
}

// negativeLife is how long it may be remembered that there is nothing: as the
// SOA record says, not at all without one (RFC 2308, section 5).
func negativeLife(msg *dns.Msg) time.Duration {
	for _, r := range msg.Ns {
		if soa, ok := r.(*dns.SOA); ok {
			return min(time.Duration(soa.Minttl)*time.Second, shortest(records(msg)))
		}
	}
	return 0
}

// records are all of a message whose TTL is one; that of OPT is flags.
func records(msg *dns.Msg) []dns.RR {
	all := make([]dns.RR, 0, len(msg.Answer)+len(msg.Ns)+len(msg.Extra))
	all = append(append(all, msg.Answer...), msg.Ns...)
	for _, r := range msg.Extra {
		if r.Header().Rrtype != dns.TypeOPT {
			all = append(all, r)
		}
	}
	return all
}
