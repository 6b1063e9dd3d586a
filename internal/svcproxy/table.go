package svcproxy

import (
	"maps"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
)

// Table makes rules of what it is told of services, and remembers which of them
// have been taken with [Table.Changes]. What one change costs is the size of one
// service, however many there are. It may be used from several goroutines.
type Table struct {
	node    string
	changed chan struct{}

	mu     sync.Mutex
	drafts map[name]*draft
	dirty  map[name]bool
	taken  map[name][]*Rule // what Changes has told of
	owners map[Key]name     // whose rule it has told of last
}

// NewTable returns a table of a node's rules. Without a name no endpoint is on
// this node.
func NewTable(node string) *Table {
	return &Table{
		node: node, changed: make(chan struct{}, 1),
		drafts: map[name]*draft{}, dirty: map[name]bool{}, taken: map[name][]*Rule{}, owners: map[Key]name{},
	}
}

// Changed receives when there may be changes to take.
func (t *Table) Changed() <-chan struct{} { return t.changed }

// SetService tells of a service that is new or different.
func (t *Table) SetService(s *corev1.Service) {
	parsed := serviceOf(s)
	t.edit(name{s.Namespace, s.Name}, func(d *draft) { d.service = parsed })
}

// DropService tells of a service that is gone.
func (t *Table) DropService(s *corev1.Service) {
	t.edit(name{s.Namespace, s.Name}, func(d *draft) { d.service = nil })
}

// SetSlice tells of a slice that is new or different. One that has gone over to
// another service is dropped before.
func (t *Table) SetSlice(s *discoveryv1.EndpointSlice) {
	parsed := sliceOf(s, t.node)
	t.edit(owner(s), func(d *draft) { d.slices[s.Name] = parsed })
}

// DropSlice tells of a slice that is gone.
func (t *Table) DropSlice(s *discoveryv1.EndpointSlice) {
	t.edit(owner(s), func(d *draft) { delete(d.slices, s.Name) })
}

// owner returns the service that a slice belongs to.
func owner(s *discoveryv1.EndpointSlice) name {
	return name{s.Namespace, s.Labels[discoveryv1.LabelServiceName]}
}

// edit changes the draft of one service.
func (t *Table) edit(of name, change func(*draft)) {
	if of.name == "" {
		return // a slice that belongs to no service
	}
	t.mu.Lock()
	d := t.drafts[of]
	if d == nil {
		d = &draft{slices: map[string]*slice{}}
		t.drafts[of] = d
	}
	change(d)
	if d.empty() {
		delete(t.drafts, of)
	}
	t.dirty[of] = true
	t.mu.Unlock()
	select {
	case t.changed <- struct{}{}:
	default: // somebody has been told already, and has not looked yet
	}
}

// Changes takes what has changed since it was called last.
//
// What is gone is looked at before what is new: an address that one service has
// given up and another one has got is the other's, in whichever order the
// watches told of it.
func (t *Table) Changes() Changes {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := make(map[name][]*Rule, len(t.dirty))
	removed := map[Key]bool{}
	edited := slices.SortedFunc(maps.Keys(t.dirty), name.compare)
	for _, of := range edited {
		if d := t.drafts[of]; d != nil {
			now[of] = d.rules(of)
		}
		for _, key := range t.given(of, now[of]) {
			removed[key] = true
		}
	}
	var out Changes
	for _, of := range edited {
		for _, r := range t.news(of, now[of]) {
			delete(removed, r.Key)
			out.Set = append(out.Set, r)
		}
	}
	for key := range removed {
		out.Removed = append(out.Removed, key)
	}
	clear(t.dirty)
	out.sort()
	return out
}

// given returns the keys of a service's rules that it does not have any more,
// and that are not another's meanwhile.
func (t *Table) given(of name, now []*Rule) []Key {
	kept := make(map[Key]bool, len(now))
	for _, r := range now {
		kept[r.Key] = true
	}
	var keys []Key
	for _, r := range t.taken[of] {
		if !kept[r.Key] && t.owners[r.Key] == of {
			delete(t.owners, r.Key)
			keys = append(keys, r.Key)
		}
	}
	return keys
}

// news returns those rules of a service that differ from what was told, and
// remembers all of them. What has not changed keeps its place in memory.
func (t *Table) news(of name, now []*Rule) []*Rule {
	before := make(map[Key]*Rule, len(t.taken[of]))
	for _, r := range t.taken[of] {
		before[r.Key] = r
	}
	var news []*Rule
	for i, r := range now {
		if was := before[r.Key]; was != nil && was.equal(r) && t.owners[r.Key] == of {
			now[i] = was
			continue
		}
		t.owners[r.Key] = of
		news = append(news, r)
	}
	if len(now) == 0 {
		delete(t.taken, of)
	} else {
		t.taken[of] = now
	}
	return news
}
