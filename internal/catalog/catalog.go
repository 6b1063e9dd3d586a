// Package catalog resolves a Target to a Backend from memory: an immutable
// snapshot per service, pod and node, built by watches before anybody asks. A
// look-up takes no lock and costs the same with ten services or ten thousand.
// It reads the cluster through client-go informers alone, so that it does not
// know whose API it is. Floor F1.
package catalog

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"

	"github.com/causeway-access/causeway/internal/route"
)

// Catalog is the snapshot. Look-ups may be made from any number of goroutines.
type Catalog struct {
	services *route.Table[name, *service]
	pods     *route.Table[name, *pod]
	nodes    *route.Table[string, *node]
	synced   []cache.InformerSynced
	ready    atomic.Bool // all of synced have been true

	// mu orders the watches among themselves; no look-up takes it.
	mu     sync.Mutex
	drafts map[name]*draft
}

// name is the key of a namespaced object.
type name struct{ namespace, name string }

// New registers the catalog with the informers of a factory, which the caller
// starts. The factory may be shared: the catalog keeps what it needs of an
// object and never changes one.
func New(factory informers.SharedInformerFactory) (*Catalog, error) {
	c := &Catalog{
		services: route.NewTable[name, *service](),
		pods:     route.NewTable[name, *pod](),
		nodes:    route.NewTable[string, *node](),
		drafts:   make(map[name]*draft),
	}
	core := factory.Core().V1()
	watches := []struct {
		what     string
		informer cache.SharedIndexInformer
		handler  cache.ResourceEventHandler
	}{
		{"services", core.Services().Informer(), handler(c.setService, c.dropService)},
		{"endpoint slices", factory.Discovery().V1().EndpointSlices().Informer(), replacing(c.setSlice, c.moveSlice, c.dropSlice)},
		{"pods", core.Pods().Informer(), handler(c.setPod, c.dropPod)},
		{"nodes", core.Nodes().Informer(), handler(c.setNode, c.dropNode)},
	}
	for _, w := range watches {
		registration, err := w.informer.AddEventHandler(w.handler)
		if err != nil {
			return nil, fmt.Errorf("watching %s for the catalog: %w", w.what, err)
		}
		c.synced = append(c.synced, registration.HasSynced)
	}
	return c, nil
}

// HasSynced reports that the first lists of all watches are in the snapshot.
func (c *Catalog) HasSynced() bool {
	if c.ready.Load() {
		return true // for good, and every request asks
	}
	for _, synced := range c.synced {
		if !synced() {
			return false
		}
	}
	c.ready.Store(true)
	return true
}

// handler calls set for an added or changed object and drop for a deleted one.
func handler[T any](set, drop func(T)) cache.ResourceEventHandler {
	return replacing(set, func(_, now T) { set(now) }, drop)
}

// replacing is handler for objects whose change needs the old object too.
func replacing[T any](set func(T), change func(old, now T), drop func(T)) cache.ResourceEventHandler {
	return cache.ResourceEventHandlerFuncs{
		AddFunc:    func(o any) { set(o.(T)) },
		UpdateFunc: func(old, now any) { change(old.(T), now.(T)) },
		DeleteFunc: func(o any) {
			if missed, ok := o.(cache.DeletedFinalStateUnknown); ok {
				o = missed.Obj
			}
			if gone, ok := o.(T); ok {
				drop(gone)
			}
		},
	}
}

func (c *Catalog) setService(s *corev1.Service) {
	c.edit(name{s.Namespace, s.Name}, func(d *draft) { d.spec = specOf(s) })
}

func (c *Catalog) dropService(s *corev1.Service) {
	c.edit(name{s.Namespace, s.Name}, func(d *draft) { d.spec = nil })
}

func (c *Catalog) setSlice(s *discoveryv1.EndpointSlice) {
	c.edit(owner(s), func(d *draft) { d.setSlice(sliceOf(s)) })
}

// moveSlice also takes the slice away from the service it belonged to before.
func (c *Catalog) moveSlice(old, now *discoveryv1.EndpointSlice) {
	if owner(old) != owner(now) {
		c.dropSlice(old)
	}
	c.setSlice(now)
}

func (c *Catalog) dropSlice(s *discoveryv1.EndpointSlice) {
	c.edit(owner(s), func(d *draft) { d.dropSlice(s.Name) })
}

// owner returns the service that a slice belongs to.
func owner(s *discoveryv1.EndpointSlice) name {
	return name{s.Namespace, s.Labels[discoveryv1.LabelServiceName]}
}

// edit changes the draft of one service and publishes what comes of it. Its
// cost is that of the service alone. What has not changed stays as it is, so
// that whoever keeps something by a Backend finds it again.
func (c *Catalog) edit(key name, change func(*draft)) {
	if key.name == "" {
		return // a slice that belongs to no service
	}
	key.namespace = shared(key.namespace)
	c.mu.Lock()
	defer c.mu.Unlock()
	d := c.drafts[key]
	if d == nil {
		d = &draft{}
		c.drafts[key] = d
	}
	change(d)
	if d.spec == nil {
		c.services.Delete(key)
		if len(d.slices) == 0 {
			delete(c.drafts, key)
		}
		return
	}
	before, known := c.services.Load(key)
	now := d.build(key, before)
	if !known || now.external != before.external || !slices.Equal(now.ports, before.ports) {
		c.services.Store(key, now)
	}
}
