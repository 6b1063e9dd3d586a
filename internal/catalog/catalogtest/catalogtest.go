// Package catalogtest makes the catalog of a large cluster whose endpoints
// change, for measuring what it costs to resolve there. Its services come by
// the informers, as those of a real cluster do. Floor F1.
package catalogtest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kruntime "k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	source "k8s.io/client-go/tools/cache/testing"

	"github.com/causeway-access/causeway/internal/catalog"
	"github.com/causeway-access/causeway/internal/route"
)

// Endpoints is how many each service has.
const Endpoints = 10

// Cluster is a catalog and what it watches.
type Cluster struct {
	Catalog *catalog.Catalog
	// Bytes is what the catalog itself holds on the heap; the informers, which
	// others read too, hold the objects.
	Bytes uint64
	// Targets are all services, by the name of their port.
	Targets []*route.Target

	slices  *source.FakeControllerSource
	factory informers.SharedInformerFactory
	stop    context.CancelFunc
	changes int
}

// New returns the catalog of a cluster of that many services, when it has read
// them all. Close ends it.
func New(ctx context.Context, services int) (*Cluster, error) {
	ctx, stop := context.WithCancel(ctx)
	c := &Cluster{
		slices: source.NewFakeControllerSource(), factory: informers.NewSharedInformerFactory(nil, 0),
		stop: stop, Targets: make([]*route.Target, services),
	}
	known := source.NewFakeControllerSource()
	for i := range services {
		known.Add(service(i))
		c.slices.Add(slice(i, 0))
		t, ok := route.Parse(fmt.Sprintf("/api/v1/namespaces/ns-%d/services/web-%d:http/proxy/", i%100, i), "")
		if !ok {
			return nil, errors.New("the URL of a service is none of a target")
		}
		c.Targets[i] = &t
	}
	c.watch(&corev1.Service{}, known)
	c.watch(&discoveryv1.EndpointSlice{}, c.slices)
	c.watch(&corev1.Pod{}, source.NewFakeControllerSource())
	c.watch(&corev1.Node{}, source.NewFakeControllerSource())
	if err := c.start(ctx); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// watch has the factory's informer of that type list and watch the source.
func (c *Cluster) watch(object kruntime.Object, from *source.FakeControllerSource) {
	c.factory.InformerFor(object, func(kubernetes.Interface, time.Duration) cache.SharedIndexInformer {
		return cache.NewSharedIndexInformer(from, object, 0, cache.Indexers{})
	})
}

// start fills the informers, and then the catalog from them.
func (c *Cluster) start(ctx context.Context) error {
	c.factory.StartWithContext(ctx)
	c.factory.WaitForCacheSyncWithContext(ctx)
	before := heap()
	var err error
	if c.Catalog, err = catalog.New(c.factory); err != nil {
		return err
	}
	for !c.Catalog.HasSynced() {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(time.Millisecond):
		}
	}
	c.Bytes = max(heap(), before) - before
	return nil
}

func heap() uint64 {
	runtime.GC()
	runtime.GC() // what the first has found unused may have been in a pool
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// Change gives one endpoint another address, of the next service in turn.
func (c *Cluster) Change() {
	c.changes++
	c.slices.Modify(slice(c.changes%len(c.Targets), c.changes))
}

// Close ends the watches.
func (c *Cluster) Close() {
	c.stop()
	c.factory.Shutdown()
}

func meta(i int, kind string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: fmt.Sprintf("ns-%d", i%100), Name: fmt.Sprintf("web-%d%s", i, kind)}
}

func service(i int) *corev1.Service {
	return &corev1.Service{ObjectMeta: meta(i, ""), Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Name: "http", Port: 80}}}}
}

// slice returns the slice of a service; one of its addresses is another in
// each generation.
func slice(i, generation int) *discoveryv1.EndpointSlice {
	port, number := "http", int32(8080)
	s := &discoveryv1.EndpointSlice{
		ObjectMeta: meta(i, "-1"), AddressType: discoveryv1.AddressTypeIPv4,
		Ports: []discoveryv1.EndpointPort{{Name: &port, Port: &number}},
	}
	s.Labels = map[string]string{discoveryv1.LabelServiceName: fmt.Sprintf("web-%d", i)}
	for n := range Endpoints {
		last := n
		if n == 0 {
			last = Endpoints + generation%200
		}
		s.Endpoints = append(s.Endpoints, discoveryv1.Endpoint{Addresses: []string{fmt.Sprintf("10.%d.%d.%d", i>>8, i&255, last)}})
	}
	return s
}
