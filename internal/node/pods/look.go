package pods

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/causeway-access/causeway/internal/podrun"
)

// look looks again and again whether all sandboxes are there, until ctx ends.
func (m *Manager) look(ctx context.Context) {
	ticker := time.NewTicker(m.config.Look)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-m.glances:
		}
		m.lookOnce(ctx)
	}
}

// glance has the next look be now.
func (m *Manager) glance() {
	select {
	case m.glances <- struct{}{}:
	default:
	}
}

// lookOnce tells workers of sandboxes that are not ready any more, and removes
// those that belong to nobody. What workers have is asked for first: what is
// made after that is not missed.
func (m *Manager) lookOnce(ctx context.Context) {
	m.mu.Lock()
	had := map[*worker]string{}
	for _, w := range m.workers {
		w.mu.Lock()
		if w.shown.sandbox != "" {
			had[w] = w.shown.sandbox
		}
		w.mu.Unlock()
	}
	m.mu.Unlock()
	list, err := m.lists.get(ctx)
	if err != nil {
		if ctx.Err() == nil {
			m.config.Log.Warn("looking at the node's sandboxes failed", "error", err)
		}
		return
	}
	for w, id := range had {
		if !slices.ContainsFunc(list, func(s podrun.Sandbox) bool { return s.ID == id && s.Ready }) {
			w.tell(func(in *inbox) { in.lost = id })
		}
	}
	m.bury(ctx, list)
}

// lists shares the answers of the runtime among those who ask at the same time.
type lists struct {
	runtime podrun.Sandboxes
	mu      sync.Mutex
	// next is the list that has been asked for and not begun.
	next *asked
	busy sync.Mutex
}

type asked struct {
	once sync.Once
	list []podrun.Sandbox
	err  error
}

// get lists sandboxes as they are after it was called.
func (l *lists) get(ctx context.Context) ([]podrun.Sandbox, error) {
	l.mu.Lock()
	if l.next == nil {
		l.next = &asked{}
	}
	a := l.next
	l.mu.Unlock()
	l.busy.Lock()
	defer l.busy.Unlock()
	a.once.Do(func() {
		l.mu.Lock()
		l.next = nil
		l.mu.Unlock()
		// One who gives up does not spoil it for the others.
		a.list, a.err = l.runtime.List(context.WithoutCancel(ctx))
	})
	return a.list, a.err
}
