package serviceaccount

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// DefaultRotation is how long one key signs.
	DefaultRotation = 90 * 24 * time.Hour
	// DefaultMaxLife bounds the life of a token that has an end.
	DefaultMaxLife = 365 * 24 * time.Hour

	// keysInterval is how often the directory is looked at.
	keysInterval = time.Minute
	// keySlack is how much longer than its tokens a key is kept.
	keySlack = time.Hour
)

// KeysConfig says where signing keys are and how long they serve.
type KeysConfig struct {
	// Dir is made with mode 0700 if missing. API servers that share it verify
	// each other's tokens.
	Dir string
	// Rotation is how long a key signs before the next one; DefaultRotation if
	// zero.
	Rotation time.Duration
	// MaxLife is the longest life of a token that may have been signed here;
	// DefaultMaxLife if zero. A key that signs no more is removed after it.
	MaxLife time.Duration
	// Log hears of rotations; slog.Default() if nil.
	Log *slog.Logger
}

// Keys is a directory of signing keys: the newest signs, all verify.
type Keys struct {
	cfg  KeysConfig
	ring atomic.Pointer[ring]

	// mu orders changes of the directory and of ring.
	mu      sync.Mutex
	scanned time.Time
}

// ring is one immutable reading of the directory.
type ring struct {
	byAge  []*key // oldest first, never empty
	byID   map[string]*key
	legacy *key
}

func (r *ring) signer() *key { return r.byAge[len(r.byAge)-1] }

// OpenKeys reads the keys in cfg.Dir, makes the first ones if there are none,
// and rotates them until ctx ends.
func OpenKeys(ctx context.Context, cfg KeysConfig) (*Keys, error) {
	if cfg.Rotation <= 0 {
		cfg.Rotation = DefaultRotation
	}
	if cfg.MaxLife <= 0 {
		cfg.MaxLife = DefaultMaxLife
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	k := &Keys{cfg: cfg}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("opening the signing keys: %w", err)
	}
	if err := k.maintain(); err != nil {
		return nil, fmt.Errorf("opening the signing keys: %w", err)
	}
	go k.run(ctx)
	return k, nil
}

// LegacyID names the key that signs the tokens in Secrets, which is never
// rotated: servers that have it in common have the directory in common.
func (k *Keys) LegacyID() string { return k.ring.Load().legacy.id }

func (k *Keys) run(ctx context.Context) {
	ticker := time.NewTicker(keysInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if err := k.maintain(); err != nil {
				k.cfg.Log.Error("signing keys not maintained, those known stay in use", "dir", k.cfg.Dir, "err", err)
			}
		}
	}
}

// maintain reads the directory, rotates when that is due, and removes keys all
// of whose tokens have ended.
func (k *Keys) maintain() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	r, err := k.read()
	if err != nil {
		return err
	}
	now := time.Now()
	if r.legacy == nil {
		if r.legacy, err = makeKey(k.cfg.Dir, legacyFile, now); err != nil {
			return err
		}
	}
	if len(r.byAge) == 0 || now.Sub(r.signer().born) >= k.cfg.Rotation {
		next, err := makeKey(k.cfg.Dir, "", now)
		if err != nil {
			return err
		}
		r.byAge = append(r.byAge, next)
		k.cfg.Log.Info("new signing key for service account tokens", "file", next.file)
	}
	if err := k.retire(r, now); err != nil {
		return err
	}
	k.use(r)
	return nil
}

// retire removes keys whose successor has signed for longer than any token
// lives.
func (k *Keys) retire(r *ring, now time.Time) error {
	for len(r.byAge) > 1 && now.Sub(r.byAge[1].born) > k.cfg.MaxLife+keySlack {
		old := r.byAge[0]
		if err := os.Remove(old.file); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		k.cfg.Log.Info("signing key removed, its tokens have ended", "file", old.file)
		r.byAge = r.byAge[1:]
	}
	return nil
}

func (k *Keys) read() (*ring, error) {
	k.scanned = time.Now()
	files, err := filepath.Glob(filepath.Join(k.cfg.Dir, "*"+keySuffix))
	if err != nil {
		return nil, err
	}
	r := &ring{}
	for _, file := range files {
		one, err := readKey(file)
		if err != nil {
			return nil, err
		}
		if filepath.Base(file) == legacyFile {
			r.legacy = one
			continue
		}
		r.byAge = append(r.byAge, one)
	}
	slices.SortFunc(r.byAge, func(a, b *key) int {
		if c := a.born.Compare(b.born); c != 0 {
			return c
		}
		return strings.Compare(a.file, b.file)
	})
	return r, nil
}

func (k *Keys) use(r *ring) {
	r.byID = make(map[string]*key, len(r.byAge)+1)
	for _, one := range append(slices.Clone(r.byAge), r.legacy) {
		r.byID[one.id] = one
	}
	k.ring.Store(r)
}

// find returns the key of that ID. One that is not known may have been made a
// moment ago by another API server on the same directory, so the directory is
// read again, but not more than once a second whatever clients send.
func (k *Keys) find(id string) (*key, bool) {
	if one, ok := k.ring.Load().byID[id]; ok {
		return one, true
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if time.Since(k.scanned) > time.Second {
		if r, err := k.read(); err == nil && len(r.byAge) > 0 && r.legacy != nil {
			k.use(r)
		}
	}
	one, ok := k.ring.Load().byID[id]
	return one, ok
}
