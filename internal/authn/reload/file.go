// Package reload keeps what was parsed from a small file current while the file
// changes (floor F1). Readers take no lock; a file that became unreadable or
// wrong is reported once and the last good content stays in use.
package reload

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync/atomic"
	"time"
)

const (
	// Interval is how soon a change is seen. The content is compared, not the
	// time stamp, so replacing by rename, by symlink and in place all work.
	Interval = 2 * time.Second
	// MaxSize bounds what is read; such files are written by people.
	MaxSize = 16 << 20
)

// File holds the latest good parse of a file.
type File[T any] struct {
	path  string
	parse func([]byte) (T, error)
	log   *slog.Logger
	value atomic.Pointer[T]
	// seen is the digest of the content last parsed, good or bad.
	seen [sha256.Size]byte
	// missing is whether the last reading failed, so that it is said once.
	missing bool
}

// Watch parses the file, which must be good now, and goes on doing so when it
// changes until ctx ends. Errors of parse must not quote secrets of the file.
func Watch[T any](ctx context.Context, path string, log *slog.Logger, parse func([]byte) (T, error)) (*File[T], error) {
	if log == nil {
		log = slog.Default()
	}
	f := &File[T]{path: path, parse: parse, log: log}
	data, err := read(path)
	if err != nil {
		return nil, err
	}
	if err := f.load(data); err != nil {
		return nil, err
	}
	go f.run(ctx)
	return f, nil
}

// Get returns the latest good value; it is shared and must not be changed.
func (f *File[T]) Get() T { return *f.value.Load() }

func (f *File[T]) run(ctx context.Context) {
	ticker := time.NewTicker(Interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			f.poll()
		}
	}
}

func (f *File[T]) poll() {
	data, err := read(f.path)
	if err != nil {
		if !f.missing {
			f.log.Error("file cannot be read, its last content stays in use", "file", f.path, "err", err)
		}
		f.missing = true
		return
	}
	f.missing = false
	if sha256.Sum256(data) == f.seen {
		return
	}
	if err := f.load(data); err != nil {
		f.log.Error("changed file is not used, its last good content stays in use", "file", f.path, "err", err)
		return
	}
	f.log.Info("changed file is in use", "file", f.path)
}

func (f *File[T]) load(data []byte) error {
	f.seen = sha256.Sum256(data)
	value, err := f.parse(data)
	if err != nil {
		return fmt.Errorf("reading %s: %w", f.path, err)
	}
	f.value.Store(&value)
	return nil
}

func read(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, MaxSize+1))
	if err != nil {
		return nil, err
	}
	if len(data) > MaxSize {
		return nil, fmt.Errorf("reading %s: larger than %d bytes", path, MaxSize)
	}
	return data, nil
}
