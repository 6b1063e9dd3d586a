package pods

import (
	"context"
	"errors"
	"time"

	"github.com/causeway-access/causeway/internal/podrun"
)

// watch waits for the end of a container that runs.
func (w *worker) watch(c *container) {
	ctx, cancel := context.WithCancel(w.life)
	c.watched = cancel
	current := *c.current
	w.m.running.Go(func() {
		defer cancel() // its probes and hooks end with it
		ended, err := w.m.await(ctx, current)
		if err == nil {
			w.tell(func(in *inbox) { in.ended = append(in.ended, ended) })
		}
		if ended.Reason == podrun.ReasonUnknown {
			w.m.glance()
		}
	})
	w.probe(ctx, c)
	c.life = ctx
}

// await returns a container that has ended, or why nobody waits any more.
func (m *Manager) await(ctx context.Context, c podrun.Container) (podrun.Container, error) {
	for {
		ended, err := m.config.Runtime.Wait(ctx, c.ID)
		switch {
		case err == nil:
			return ended, nil
		case ctx.Err() != nil:
			return c, ctx.Err()
		case errors.Is(err, podrun.ErrNotFound):
			c.State, c.ExitCode, c.Reason, c.Finished = podrun.Exited, 137, podrun.ReasonUnknown, time.Now()
			c.Message = "the container could not be found when its end was waited for"
			return c, nil
		}
		m.config.Log.Warn("waiting for a container's end failed", "container", c.ID, "error", err)
		if err := sleep(ctx, time.Second); err != nil {
			return c, err
		}
	}
}

// sleep waits, or returns why it does not.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
