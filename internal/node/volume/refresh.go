package volume

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

const (
	workers = 2
	// refreshTimeout bounds one look at a pod: tokens are asked for in it.
	refreshTimeout = 30 * time.Second
)

// Run keeps the volumes of mounted pods current until ctx ends. It may be
// called once. Volumes stay after it, for the next agent; if there are none, so
// does nothing.
func (m *Manager) Run(ctx context.Context) error {
	var group sync.WaitGroup
	group.Go(func() { m.objects.run(ctx) })
	for range workers {
		group.Go(func() { m.work(ctx) })
	}
	<-ctx.Done()
	m.stale.ShutDown()
	group.Wait()
	if left, err := os.ReadDir(m.memory()); err != nil || len(left) > 0 {
		return err
	}
	return unmountBelow(m.memory())
}

func (m *Manager) work(ctx context.Context) {
	for {
		uid, end := m.stale.Get()
		if end {
			return
		}
		if err := m.refresh(ctx, uid); err != nil && ctx.Err() == nil {
			m.cfg.Log.Warn("A pod's volumes are not current, will try again", "uid", uid, "error", err)
			m.stale.AddRateLimited(uid)
		} else {
			m.stale.Forget(uid)
		}
		m.stale.Done(uid)
	}
}

// refresh brings the files of one pod up to date. What cannot be had stays as
// it was.
func (m *Manager) refresh(ctx context.Context, uid types.UID) error {
	m.mu.Lock()
	p := m.pods[uid]
	m.mu.Unlock()
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gone || !p.mounted {
		return nil
	}
	p.spec = p.latest.Load()
	ctx, cancel := context.WithTimeout(ctx, refreshTimeout)
	defer cancel()
	var errs []error
	for i := range p.spec.Spec.Volumes {
		v := &p.spec.Spec.Volumes[i]
		if !madeOfObjects(v) {
			continue
		}
		content, err := m.collect(ctx, p, v, m.objects.recall)
		if err == nil {
			err = m.write(p.spec, m.contentDir(uid, v), content)
		}
		switch {
		case errors.Is(err, errUnread): // its watch will call again
		case errors.Is(err, errAbsent): // the same
			m.cfg.Log.Warn("A volume keeps what it had: its source is gone", "uid", uid, "volume", v.Name, "error", err)
		case err != nil:
			errs = append(errs, fmt.Errorf("volume %q: %w", v.Name, err))
		}
	}
	m.plan(p)
	return errors.Join(errs...)
}

// plan has the pod looked at when the first of its tokens is due. The caller
// holds the pod's lock.
func (m *Manager) plan(p *pod) {
	var first time.Time
	for _, t := range p.tokens {
		if first.IsZero() || t.due.Before(first) {
			first = t.due
		}
	}
	if !first.IsZero() { // one that could not be replaced is asked for in a while
		m.stale.AddAfter(p.spec.UID, max(time.Until(first), retryLast/2))
	}
}
