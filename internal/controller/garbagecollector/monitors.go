package garbagecollector

import (
	"context"
	"log/slog"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/tools/cache"

	"github.com/causeway-access/causeway/internal/controller"
)

const (
	// settle is how long after a change of a CustomResourceDefinition discovery
	// is asked: such changes come in groups, and show in discovery later.
	settle = 250 * time.Millisecond

	// patience is how long the first list of a kind may take before work goes
	// on without it. One kind that cannot be listed must not stop all others.
	patience = 30 * time.Second
)

// receiver is told what the monitors see.
type receiver interface {
	observed(*object)
	gone(types.UID)
	forget(schema.GroupVersionResource)
}

// monitors watches all kinds that can be collected, and keeps up with which
// kinds there are.
type monitors struct {
	metadata  metadata.Interface
	discovery Discovery
	logger    *slog.Logger
	to        receiver
	changed   chan struct{} // capacity 1: a CustomResourceDefinition changed

	mu      sync.Mutex
	known   kinds
	running map[schema.GroupVersionResource]*monitor
	begun   bool // the first discovery succeeded
}

// monitor is the watch of one kind.
type monitor struct {
	stop    context.CancelFunc
	stopped chan struct{}
	synced  cache.InformerSynced
	started time.Time
}

func newMonitors(config Config, logger *slog.Logger, to receiver) *monitors {
	return &monitors{
		metadata:  config.Metadata,
		discovery: config.Discovery,
		logger:    logger,
		to:        to,
		changed:   make(chan struct{}, 1),
		running:   map[schema.GroupVersionResource]*monitor{},
	}
}

// run keeps the monitors until ctx ends.
func (m *monitors) run(ctx context.Context) {
	defer m.stopAll()
	retry := time.Second
	for {
		wait := refreshEvery
		if err := m.refresh(ctx); err != nil {
			m.logger.Warn("cannot learn which kinds to collect, will try again", "error", err, "after", retry)
			wait, retry = retry, min(2*retry, refreshEvery)
		} else {
			retry = time.Second
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-m.changed:
			timer.Reset(settle)
			select {
			case <-ctx.Done():
			case <-timer.C:
			}
		}
		timer.Stop()
		if ctx.Err() != nil {
			return
		}
	}
}

// refresh starts monitors of new kinds and ends those of kinds that went.
func (m *monitors) refresh(ctx context.Context) error {
	m.mu.Lock()
	previous := m.known
	m.mu.Unlock()
	found, err := discover(m.discovery, previous)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.known, m.begun = found, true
	for resource, kind := range found.watched {
		if m.running[resource] != nil {
			continue
		}
		started, err := m.start(ctx, kind)
		if err != nil {
			return err
		}
		m.running[resource] = started
	}
	for resource, monitor := range m.running {
		if _, ok := found.watched[resource]; !ok {
			monitor.stop()
			<-monitor.stopped
			delete(m.running, resource)
			m.to.forget(resource)
		}
	}
	return nil
}

// start begins to watch a kind. It keeps in memory what the graph needs.
func (m *monitors) start(ctx context.Context, kind resourceKind) (*monitor, error) {
	informer := metadatainformer.NewFilteredMetadataInformer(m.metadata, kind.resource,
		metav1.NamespaceAll, 0, cache.Indexers{}, nil).Informer()
	if err := informer.SetTransform(trim); err != nil {
		return nil, err
	}
	registration, err := informer.AddEventHandler(m.handler(kind))
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	started := &monitor{
		stop:    cancel,
		stopped: make(chan struct{}),
		synced:  registration.HasSynced,
		started: time.Now(),
	}
	go func() {
		defer close(started.stopped)
		informer.RunWithContext(ctx)
	}()
	return started, nil
}

// handler hands on what the watch of a kind brings.
func (m *monitors) handler(kind resourceKind) cache.ResourceEventHandler {
	definitions := kind.resource.GroupResource() == schema.GroupResource{Group: "apiextensions.k8s.io", Resource: "customresourcedefinitions"}
	set := func(meta *metav1.PartialObjectMetadata) {
		m.to.observed(newObject(kind, meta))
		if definitions {
			m.definitionChanged()
		}
	}
	return cache.ResourceEventHandlerFuncs{
		AddFunc: func(obj any) {
			if meta, ok := controller.Object[*metav1.PartialObjectMetadata](obj); ok {
				set(meta)
			}
		},
		UpdateFunc: func(old, obj any) {
			before, _ := controller.Object[*metav1.PartialObjectMetadata](old)
			meta, ok := controller.Object[*metav1.PartialObjectMetadata](obj)
			if !ok {
				return
			}
			if before != nil && before.UID != meta.UID {
				m.to.gone(before.UID) // deleted and made anew while the watch was down
			}
			set(meta)
		},
		DeleteFunc: func(obj any) {
			if meta, ok := controller.Object[*metav1.PartialObjectMetadata](obj); ok {
				m.to.gone(meta.UID)
			}
			if definitions {
				m.definitionChanged()
			}
		},
	}
}

func (m *monitors) definitionChanged() {
	select {
	case m.changed <- struct{}{}:
	default:
	}
}

// trim drops from an object what the graph does not keep.
func trim(obj any) (any, error) {
	if meta, ok := obj.(*metav1.PartialObjectMetadata); ok {
		meta.Labels, meta.Annotations, meta.ManagedFields = nil, nil, nil
	}
	return obj, nil
}

// kind says where a kind is served.
func (m *monitors) kind(kind schema.GroupVersionKind) (resourceKind, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	known, ok := m.known.byKind[kind]
	return known, ok
}

// ready reports that all kinds have been listed, but those that take too long.
func (m *monitors) ready() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, monitor := range m.running {
		if !monitor.synced() && time.Since(monitor.started) < patience {
			return false
		}
	}
	return m.begun
}

func (m *monitors) stopAll() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, monitor := range m.running {
		monitor.stop()
		<-monitor.stopped
	}
}
