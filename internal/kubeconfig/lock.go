package kubeconfig

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// lockPatience is how long a lock held by another program is waited for;
// kubectl holds it for milliseconds.
const lockPatience = 5 * time.Second

// lock takes the lock that kubectl and client-go take before they change path:
// a file beside it, made only if it is not there. The returned function gives
// the lock back.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("lock kubeconfig: %w", err)
	}
	name := path + ".lock"
	ctx, cancel := context.WithTimeout(ctx, lockPatience)
	defer cancel()
	for {
		f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL, 0o600)
		if err == nil {
			f.Close()
			return func() { os.Remove(name) }, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return nil, fmt.Errorf("lock kubeconfig: %w", err)
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("lock kubeconfig: %s exists: another program is changing %s, or was killed while it did; if none is, remove the lock", name, path)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
