// Package volume gives pods their volumes: directories of this node that are
// empty, the node's own, or full of what the API knows (configuration, secrets,
// tokens, the pod's own fields), and keeps the latter current.
//
// Floor 2, a part of the node's agent: a client of the API only, with no more
// rights than a node has. Each object that volumes are made of is read afresh
// when a pod is mounted, so that a pod never starts with what was changed
// before it was made; from then on one watch for each object, shared by all
// pods that use it, tells of changes. A watch costs one open stream, tells at
// once, and is quiet while nothing happens; asking every minute would cost the
// API server more from the first pod on and tell late.
//
// Below Config.Dir, for the owner alone: disk/UID/NAME for what may be on a
// disk, and memory/UID/NAME, on a tmpfs where one can be had, for secrets and
// tokens. What is made of objects has the shape that programs rely on: NAME/KEY
// is a symbolic link to ..data/KEY, and ..data is a link to a directory that is
// never changed, replaced whole by a rename.
package volume

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/util/workqueue"
)

// Config says where volumes are and for whom. Dir and Client are required.
type Config struct {
	// Dir belongs to this package alone. It is made if missing.
	Dir string
	// Node is the node's name.
	Node string
	// Client speaks as the node, or for it.
	Client kubernetes.Interface
	// Allocatable is what pods may have of the node: the limit of containers
	// that have none, in a downwardAPI volume. nil means that nobody knows.
	Allocatable func() corev1.ResourceList
	// Log is slog.Default() if nil. It never has the content of volumes.
	Log *slog.Logger
}

// Manager has the volumes of the pods of one node.
type Manager struct {
	cfg     Config
	objects *objects
	stale   workqueue.TypedRateLimitingInterface[types.UID]

	mu   sync.Mutex
	pods map[types.UID]*pod
}

// pod is one whose volumes are here.
type pod struct {
	latest atomic.Pointer[corev1.Pod] // as last told

	mu   sync.Mutex  // held while its volumes are changed
	spec *corev1.Pod // what latest was; neither is changed
	// mounted is false until Mount has once succeeded: there is nothing to keep
	// current before.
	mounted bool
	gone    bool
	tokens  map[tokenKey]*token
}

// New makes a Manager. The volumes that earlier agents left stay until
// [Manager.Keep] says otherwise.
func New(cfg Config) (*Manager, error) {
	m, err := newManager(cfg)
	if err != nil {
		return nil, fmt.Errorf("preparing volumes: %w", err)
	}
	if err := mountTmpfs(m.memory(), "mode=0700"); err != nil {
		m.cfg.Log.Warn("Secrets of pods are on disk, for its owner alone: there can be no tmpfs here", "dir", m.memory(), "error", err)
	}
	return m, nil
}

// newManager is New without the tmpfs.
func newManager(cfg Config) (*Manager, error) {
	if cfg.Dir == "" || cfg.Client == nil {
		return nil, errors.New("Dir and Client are required")
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	var err error
	if cfg.Dir, err = settle(cfg.Dir); err != nil {
		return nil, err
	}
	m := &Manager{cfg: cfg, pods: map[types.UID]*pod{}}
	m.stale = workqueue.NewTypedRateLimitingQueue(workqueue.NewTypedItemExponentialFailureRateLimiter[types.UID](retryFirst, retryLast))
	m.objects = newObjects(cfg.Client, cfg.Log, func(uid types.UID) { m.stale.Add(uid) })
	for _, sub := range []string{m.disk(), m.memory()} {
		if err := os.MkdirAll(sub, 0o700); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// settle makes dir and returns the path by which the kernel knows it.
func settle(dir string) (string, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(dir)
}

func (m *Manager) disk() string   { return filepath.Join(m.cfg.Dir, "disk") }
func (m *Manager) memory() string { return filepath.Join(m.cfg.Dir, "memory") }

// Mount makes the volumes of a pod, or completes them, and returns their paths
// on the node by the volumes' names. It may be called again at any time, and is
// to be called for pods that an earlier agent started, since that is how their
// volumes stay current: what is there then stays if it fails.
//
// The error joins one for each volume that failed, in their order, in the words
// that people know from FailedMount events (Unwrap() []error gives them).
func (m *Manager) Mount(ctx context.Context, spec *corev1.Pod) (map[string]string, error) {
	if err := checkName(string(spec.UID)); err != nil {
		return nil, fmt.Errorf("the pod's UID: %w", err)
	}
	p := m.know(spec)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gone {
		return nil, fmt.Errorf("the volumes of pod %s/%s are being removed", spec.Namespace, spec.Name)
	}
	p.latest.Store(spec)
	p.spec = spec
	m.objects.hold(spec.UID, references(spec))
	paths, errs := map[string]string{}, []error(nil)
	for i := range spec.Spec.Volumes {
		v := &spec.Spec.Volumes[i]
		path, err := m.mount(ctx, p, v)
		if err != nil {
			errs = append(errs, fmt.Errorf("MountVolume.SetUp failed for volume %q : %w", v.Name, err))
			continue
		}
		paths[v.Name] = path
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	p.mounted = true
	m.plan(p)
	return paths, nil
}

// know returns the pod, noted from now on.
func (m *Manager) know(spec *corev1.Pod) *pod {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.pods[spec.UID]
	if p == nil {
		p = &pod{tokens: map[tokenKey]*token{}}
		m.pods[spec.UID] = p
	}
	return p
}

// Update tells of a pod that has changed, such as its labels. It does not wait;
// a pod that is not mounted is ignored.
func (m *Manager) Update(spec *corev1.Pod) {
	m.mu.Lock()
	p := m.pods[spec.UID]
	m.mu.Unlock()
	if p == nil {
		return
	}
	p.latest.Store(spec)
	m.stale.Add(spec.UID)
}
