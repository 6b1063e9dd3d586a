package service

import (
	"context"
	"net/netip"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/util/dryrun"
	"k8s.io/klog/v2"
)

// Config says what may be given out.
type Config struct {
	// Store holds the allocations.
	Store clientv3.KV
	// CIDR is the range of cluster addresses.
	CIDR netip.Prefix
	// FirstNodePort and LastNodePort bound the node ports, both included.
	FirstNodePort, LastNodePort int
}

// Allocators complete services with addresses and ports while they are
// written. Their methods are hooks of the generic registry.
type Allocators struct {
	cfg       Config
	family    corev1.IPFamily
	addresses *pool
	ports     *pool
}

// New makes allocators over the ranges of cfg.
func New(cfg Config) *Allocators {
	a := &Allocators{cfg: cfg, family: corev1.IPv4Protocol}
	if cfg.CIDR.Addr().Is6() {
		a.family = corev1.IPv6Protocol
	}
	a.addresses = addressPool(&ledger{cfg.Store, "/causeway/allocations/clusterips/", time.Now}, cfg.CIDR)
	a.ports = portPool(&ledger{cfg.Store, "/causeway/allocations/nodeports/", time.Now}, cfg.FirstNodePort, cfg.LastNodePort)
	return a
}

// releaseTimeout bounds the giving back of what a deleted or failed write
// had; what it misses, repair finds.
const releaseTimeout = 5 * time.Second

// BeginCreate allocates for a new service; if the write fails, what was taken is given back.
func (a *Allocators) BeginCreate(ctx context.Context, obj runtime.Object, options *metav1.CreateOptions) (genericregistry.FinishFunc, error) {
	s := obj.(*corev1.Service)
	return a.begin(ctx, s, nil, dryrun.IsDryRun(options.DryRun))
}

// BeginUpdate allocates what the change needs; when it is written, what it no
// longer needs is given back.
func (a *Allocators) BeginUpdate(ctx context.Context, obj, old runtime.Object, options *metav1.UpdateOptions) (genericregistry.FinishFunc, error) {
	s, then := obj.(*corev1.Service), old.(*corev1.Service)
	inherit(s, then)
	return a.begin(ctx, s, then, dryrun.IsDryRun(options.DryRun))
}

// AfterDelete gives back what a deleted service had.
func (a *Allocators) AfterDelete(obj runtime.Object, options *metav1.DeleteOptions) {
	if options != nil && dryrun.IsDryRun(options.DryRun) {
		return
	}
	s := obj.(*corev1.Service)
	a.release(holdings(s), string(s.UID))
}

func (a *Allocators) begin(ctx context.Context, s, old *corev1.Service, dry bool) (genericregistry.FinishFunc, error) {
	w := &write{a: a, service: s, old: old, dry: dry, owner: Owner{Namespace: s.Namespace, Name: s.Name, UID: string(s.UID)}}
	if old != nil {
		w.owner.UID, w.before = string(old.UID), holdings(old)
	}
	if err := w.allocate(ctx); err != nil {
		w.end(false)
		return nil, err
	}
	return func(_ context.Context, success bool) { w.end(success) }, nil
}

// release gives back without the request's context: its end is no reason to leak.
func (a *Allocators) release(h held, uid string) {
	ctx, cancel := context.WithTimeout(context.Background(), releaseTimeout)
	defer cancel()
	for _, ip := range h.addresses {
		if err := a.addresses.ledger.free(ctx, ip, uid); err != nil {
			klog.ErrorS(err, "Cluster address not given back; repair will", "address", ip)
		}
	}
	for _, port := range h.ports {
		if err := a.ports.ledger.free(ctx, port, uid); err != nil {
			klog.ErrorS(err, "Node port not given back; repair will", "port", port)
		}
	}
}
