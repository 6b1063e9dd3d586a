package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/causeway-access/causeway/internal/store"
)

// control measures the API server. The peer is a bare etcd, ours, on the same
// disk: what the API server does on top of it is the ratio.
func control(ctx context.Context, b *bench) error {
	if err := b.measureStart(ctx, "start to ready, empty", func(round int) string { return fmt.Sprintf("empty%d", round) }); err != nil {
		return err
	}
	p, err := b.startPeer(ctx)
	if err != nil {
		return err
	}
	defer p.stop()
	s, err := b.start(ctx, "filled")
	if err != nil {
		return err
	}
	if err := b.measureServing(ctx, s, p); err != nil {
		return errors.Join(err, s.stop())
	}
	if err := s.stop(); err != nil {
		return err
	}
	return b.measureStart(ctx, "start to ready, filled", func(int) string { return "filled" })
}

func (b *bench) measureServing(ctx context.Context, s *subject, p *peer) error {
	for _, step := range []func(context.Context, *subject, *peer) error{
		b.measureMemory, b.measureCreates, b.measureWatch, b.measureList,
	} {
		if err := step(ctx, s, p); err != nil {
			return err
		}
	}
	return nil
}

// measureStart takes the median start, beside that of the etcd alone.
func (b *bench) measureStart(ctx context.Context, name string, data func(round int) string) error {
	var ours, etcds []time.Duration
	for round := range b.rounds {
		s, err := b.start(ctx, data(round))
		if err != nil {
			return err
		}
		ours = append(ours, s.took)
		if err := s.stop(); err != nil {
			return err
		}
		begun := time.Now()
		e, err := store.Start(ctx, store.Config{Dir: filepath.Join(b.dir, data(round), "etcd")})
		if err != nil {
			return err
		}
		etcds = append(etcds, time.Since(begun))
		e.Close()
	}
	b.report.compare(name, "ms", milliseconds(median(ours)), "etcd on the same data", milliseconds(median(etcds)))
	return nil
}

// settle is how long after the start memory is read: caches are filled and
// the garbage of the start is collected by then.
const settle = 10 * time.Second

func (b *bench) measureMemory(ctx context.Context, s *subject, _ *peer) error {
	select {
	case <-time.After(settle):
	case <-ctx.Done():
		return ctx.Err()
	}
	resident, own, err := s.memory()
	if err != nil {
		return err
	}
	b.report.add("memory when idle", "MB", resident)
	b.report.add("memory when idle, own (not the binary)", "MB", own)
	return nil
}
