package ns

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/causeway-access/causeway/internal/lockfile"
	"github.com/causeway-access/causeway/internal/podrun"
	"github.com/causeway-access/causeway/internal/podrun/image"
	"github.com/causeway-access/causeway/internal/podrun/ns/cgroup"
	"github.com/causeway-access/causeway/internal/podrun/ns/idmap"
	"github.com/causeway-access/causeway/internal/podrun/ns/wire"
	"github.com/causeway-access/causeway/internal/version"
)

var _ podrun.Runtime = (*Runtime)(nil)

// Runtime is a [podrun.Runtime].
type Runtime struct {
	config Config
	lock   *lockfile.Lock
	groups cgroup.Root
	images *image.Store
	// step, if set, hears what is about to be done; tests die there.
	step func(name string)

	// mu guards sandboxes and addresses.
	mu        sync.Mutex
	sandboxes map[string]*sync.Mutex
	addresses map[string]string // by address, the sandbox
}

// New takes Root and removes what an agent that died has left half done. Pods
// go on, and are found with List.
func New(config Config) (*Runtime, error) {
	if strings.ContainsAny(config.Root, `:,\`) {
		return nil, fmt.Errorf("the directory of pods %q has a colon, comma or backslash in its name, which the kernel takes for the end of it: choose another", config.Root)
	}
	config.CgroupParent = cmp.Or(config.CgroupParent, "causeway")
	config.Program = cmp.Or(config.Program, "/proc/self/exe")
	config.StartTimeout = cmp.Or(config.StartTimeout, time.Minute)
	r := &Runtime{
		config: config, groups: cgroup.Find(cgroup.Mountpoint, config.CgroupParent),
		sandboxes: map[string]*sync.Mutex{}, addresses: map[string]string{},
	}
	if err := os.MkdirAll(r.podsDir(), 0o700); err != nil {
		return nil, fmt.Errorf("making the directory of pods: %w", err)
	}
	lock, err := lockfile.Acquire(config.Root)
	if err != nil {
		return nil, fmt.Errorf("taking the directory of pods: %w", err)
	}
	r.lock = lock
	if err := r.recover(); err != nil {
		return nil, errors.Join(err, lock.Release())
	}
	return r, nil
}

// recover does what New says.
func (r *Runtime) recover() error {
	images, err := image.Open(r.imagesDir())
	if err != nil {
		return err
	}
	r.images, images.Dial = images, r.config.Dial
	if r.config.PodCIDR.IsValid() {
		if err := forward(); err != nil {
			return err
		}
	}
	for _, id := range r.ids() {
		var state sandboxState
		if err := wire.Load(r.path(id, wire.SandboxFile), &state); err != nil {
			if err := r.erase(context.Background(), id); err != nil {
				return err
			}
			continue
		}
		// A pod that has lost its interface, as those of an ordinary user do when
		// his agent's network ends with it, is of no use.
		if state.Address.IsValid() && !state.Stopped && !connected(id) {
			if err := r.halt(context.Background(), id); err != nil {
				return err
			}
		}
		if state.Address.IsValid() && !state.Stopped {
			r.addresses[state.Address.String()] = id
		}
	}
	// What cannot be limited is known before there are pods.
	if err := r.groups.Make(""); err != nil {
		return err
	}
	for _, group := range r.groups.Groups() {
		if _, err := os.Stat(r.path(group)); errors.Is(err, fs.ErrNotExist) {
			if err := r.groups.Remove(group); err != nil {
				return err
			}
		}
	}
	return nil
}

// Close gives Root to another process. Pods go on; if there are none, nothing of
// the control groups is left.
func (r *Runtime) Close() error {
	var err error
	if len(r.ids()) == 0 {
		err = r.groups.Remove("")
	}
	return errors.Join(err, r.lock.Release())
}

// Name is that of this program, of which the runtime is a part.
func (r *Runtime) Name() string { return "causeway" }

// Version is this program's.
func (r *Runtime) Version() string { return version.Causeway().Version }

// Missing names what the machine cannot do for pods, for the node's conditions.
func (r *Runtime) Missing() []string {
	var missing []string
	for _, c := range r.groups.Missing() {
		missing = append(missing, "control group "+c)
	}
	if !idmap.Users().Has(1) {
		missing = append(missing, "users other than 0")
	}
	return missing
}

func (r *Runtime) imagesDir() string { return filepath.Join(r.config.Root, "images") }

func (r *Runtime) podsDir() string { return filepath.Join(r.config.Root, "pods") }

// path is a file of a sandbox.
func (r *Runtime) path(id string, names ...string) string {
	return filepath.Join(append([]string{r.podsDir(), id}, names...)...)
}

// ids lists the directories of sandboxes.
func (r *Runtime) ids() []string {
	var ids []string
	entries, err := os.ReadDir(r.podsDir())
	if err != nil {
		return nil
	}
	for _, e := range entries {
		if e.IsDir() {
			ids = append(ids, e.Name())
		}
	}
	return ids
}

// hold keeps others from doing something to a sandbox.
func (r *Runtime) hold(id string) func() {
	r.mu.Lock()
	m := r.sandboxes[id]
	if m == nil {
		m = &sync.Mutex{}
		r.sandboxes[id] = m
	}
	r.mu.Unlock()
	m.Lock()
	return m.Unlock
}

// at tells where the runtime is.
func (r *Runtime) at(step string) {
	if r.step != nil {
		r.step(step)
	}
}

// valid refuses IDs that are no names of ours, which become paths.
func valid(id string) error {
	if id == "" || strings.ContainsAny(id, "/\x00") || strings.HasPrefix(id, ".") {
		return fmt.Errorf("sandbox %q: %w", id, podrun.ErrNotFound)
	}
	return nil
}

// List implements [podrun.Sandboxes].
func (r *Runtime) List(context.Context) ([]podrun.Sandbox, error) {
	list := []podrun.Sandbox{}
	for _, id := range r.ids() {
		s, err := r.sandbox(id)
		if errors.Is(err, podrun.ErrNotFound) {
			continue // being made or removed
		}
		if err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b podrun.Sandbox) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID))
	})
	return list, nil
}
