package userspace

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/types"

	"github.com/causeway-access/causeway/internal/svcproxy"
)

// hosts are the ports of the node that lead to single pods.
type hosts struct {
	changed chan struct{}

	mu     sync.Mutex
	last   int
	wanted map[types.UID]wish
}

// wish is what one pod wants.
type wish struct {
	turn   int // later ones go before
	rules  []*svcproxy.Rule
	failed func(*svcproxy.Rule, error)
}

func newHosts() *hosts {
	return &hosts{changed: make(chan struct{}, 1), wanted: map[types.UID]wish{}}
}

// Lead has ports of the node lead to a pod from now on, in the place of what
// was said of that pod before; no rules end it. Of two pods that want the same
// port the later has it. What cannot be opened is tried again: failed, which
// must not wait, hears of each new reason. Lead does not wait either.
func (p *Proxy) Lead(pod types.UID, rules []*svcproxy.Rule, failed func(*svcproxy.Rule, error)) {
	h := p.hosts
	h.mu.Lock()
	h.last++
	if len(rules) == 0 {
		delete(h.wanted, pod)
	} else {
		h.wanted[pod] = wish{h.last, rules, failed}
	}
	h.mu.Unlock()
	select {
	case h.changed <- struct{}{}:
	default: // it will be looked at anyhow
	}
}

// rules are those that are to be followed now, and who hears of failures.
func (h *hosts) rules() (map[svcproxy.Key]*svcproxy.Rule, map[svcproxy.Key]func(error)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	rules, failed := map[svcproxy.Key]*svcproxy.Rule{}, map[svcproxy.Key]func(error){}
	inTurn := slices.SortedFunc(maps.Values(h.wanted), func(a, b wish) int { return cmp.Compare(a.turn, b.turn) })
	for _, l := range inTurn {
		for _, rule := range l.rules {
			rules[rule.Key] = rule
			failed[rule.Key] = func(err error) { l.failed(rule, err) }
		}
	}
	return rules, failed
}

// applyHosts makes the pods' ports what they want. led is what was followed
// until now, and returned what is from now on.
func (p *Proxy) applyHosts(ctx context.Context, led map[svcproxy.Key]*svcproxy.Rule) map[svcproxy.Key]*svcproxy.Rule {
	rules, failed := p.hosts.rules()
	for key := range led {
		if rules[key] == nil {
			p.ofPods.drop(key)
		}
	}
	for key, rule := range rules {
		if led[key] != rule {
			p.ofPods.set(ctx, rule, failed[key])
		}
	}
	return rules
}
