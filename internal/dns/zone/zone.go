// Package zone answers questions about a cluster's names from memory, as the
// Kubernetes DNS-Based Service Discovery specification 1.1.0 has it: services,
// the endpoints of headless ones, named ports, names for addresses, pods.
//
// It is an immutable snapshot per service which watches make before anybody
// asks: a look-up takes no lock and searches nothing, with ten services or ten
// thousand. Part of internal/dns, floor 1.
package zone

import (
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/client-go/informers"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/causeway-access/causeway/internal/route"
)

// SpecVersion is the version of the specification that the names follow; it
// is the text of dns-version in the cluster's domain.
const SpecVersion = "1.1.0"

// Config says what a zone is of.
type Config struct {
	// Domain is the cluster's, such as cluster.local. Required.
	Domain string
	// Nameserver is the service in the cluster by which this server is found,
	// as NAME.NAMESPACE. It stands in NS and SOA records. Required.
	Nameserver string
	// Reverse are the ranges whose addresses have no names but those of the
	// cluster: its services' and its pods'.
	Reverse []netip.Prefix
	// TTL is how long clients may remember what they were told, and that
	// something does not exist. Whole seconds.
	TTL time.Duration
}

// Zone is the snapshot. Look-ups may be made from any number of goroutines.
type Zone struct {
	domain     string // absolute, in lower case, as all names
	nameserver string
	reverse    []netip.Prefix
	ttl        uint32
	version    []dns.RR
	ns         []dns.RR

	services   *route.Table[key, *entry]
	namespaces *route.Table[string, struct{}]
	pointers   *route.Table[netip.Addr, []dns.RR]
	serial     atomic.Uint32 // seconds since 1970 at the last change
	synced     []cache.InformerSynced
	ready      atomic.Bool // all of synced have been true

	lister corelisters.ServiceLister
	slices cache.Indexer
	// mu orders the watches among themselves; no look-up takes it.
	mu     sync.Mutex
	owners map[netip.Addr]map[key]string // the names of addresses, by service
}

// key names a service.
type key struct{ namespace, name string }

// bySlice is the index of slices by the service they belong to.
const bySlice = "causeway.dns/service"

// New registers a zone with the informers of a factory, which the caller
// starts after that. It keeps nothing of their objects, and never changes one.
func New(factory informers.SharedInformerFactory, cfg Config) (*Zone, error) {
	domain := dns.Fqdn(strings.ToLower(cfg.Domain))
	if _, ok := dns.IsDomainName(domain); !ok || domain == "." || strings.ContainsAny(domain, `\ `) {
		return nil, fmt.Errorf("the cluster's domain %q is not a domain name", cfg.Domain)
	}
	z := &Zone{
		domain: domain, nameserver: cfg.Nameserver + ".svc." + domain, reverse: cfg.Reverse, ttl: uint32(cfg.TTL / time.Second),
		services: route.NewTable[key, *entry](), namespaces: route.NewTable[string, struct{}](),
		pointers: route.NewTable[netip.Addr, []dns.RR](), owners: map[netip.Addr]map[key]string{},
		lister: factory.Core().V1().Services().Lister(),
	}
	versionName := "dns-version." + domain
	z.version = []dns.RR{&dns.TXT{Hdr: header(versionName, dns.TypeTXT, z.ttl), Txt: []string{SpecVersion}}}
	z.ns = []dns.RR{&dns.NS{Hdr: header(domain, dns.TypeNS, z.ttl), Ns: z.nameserver}}
	z.touch()
	return z, z.watch(factory)
}

// watch has the snapshot follow what the informers see.
func (z *Zone) watch(factory informers.SharedInformerFactory) error {
	parts := factory.Discovery().V1().EndpointSlices().Informer()
	err := parts.AddIndexers(cache.Indexers{bySlice: func(o any) ([]string, error) {
		if s, ok := o.(*discoveryv1.EndpointSlice); ok {
			return []string{s.Namespace + "/" + s.Labels[discoveryv1.LabelServiceName]}, nil
		}
		return nil, nil
	}})
	if err != nil {
		return fmt.Errorf("indexing endpoint slices by their service: %w", err)
	}
	z.slices = parts.GetIndexer()
	for _, w := range []struct {
		what     string
		informer cache.SharedIndexInformer
		changed  func(o any)
	}{
		{"services", factory.Core().V1().Services().Informer(), z.serviceChanged},
		{"endpoint slices", parts, z.sliceChanged},
		{"namespaces", factory.Core().V1().Namespaces().Informer(), z.namespaceChanged(factory.Core().V1().Namespaces().Lister())},
	} {
		registration, err := w.informer.AddEventHandler(onChange(w.changed))
		if err != nil {
			return fmt.Errorf("watching %s for DNS: %w", w.what, err)
		}
		z.synced = append(z.synced, registration.HasSynced)
	}
	return nil
}

// HasSynced reports that the first lists of all watches are in the snapshot.
func (z *Zone) HasSynced() bool {
	if z.ready.Load() {
		return true // for good, and every question asks
	}
	for _, synced := range z.synced {
		if !synced() {
			return false
		}
	}
	z.ready.Store(true)
	return true
}

// onChange calls changed with each object that is new, changed or gone; with
// both its states if it has changed.
func onChange(changed func(o any)) cache.ResourceEventHandler {
	return cache.ResourceEventHandlerFuncs{
		AddFunc: changed,
		UpdateFunc: func(old, now any) {
			changed(old)
			changed(now)
		},
		DeleteFunc: func(o any) {
			if missed, ok := o.(cache.DeletedFinalStateUnknown); ok {
				o = missed.Obj
			}
			changed(o)
		},
	}
}

func (z *Zone) serviceChanged(o any) {
	if s, ok := o.(*corev1.Service); ok {
		z.rebuild(key{s.Namespace, s.Name})
	}
}

// sliceChanged rebuilds a headless service; no other has records of its
// endpoints.
func (z *Zone) sliceChanged(o any) {
	part, ok := o.(*discoveryv1.EndpointSlice)
	if !ok {
		return
	}
	k := key{part.Namespace, part.Labels[discoveryv1.LabelServiceName]}
	if s, err := z.lister.Services(k.namespace).Get(k.name); err == nil && s.Spec.ClusterIP == corev1.ClusterIPNone {
		z.rebuild(k)
	}
}

func (z *Zone) namespaceChanged(lister corelisters.NamespaceLister) func(o any) {
	return func(o any) {
		n, ok := o.(*corev1.Namespace)
		if !ok {
			return
		}
		if _, err := lister.Get(n.Name); err != nil {
			z.namespaces.Delete(n.Name)
		} else if _, known := z.namespaces.Load(n.Name); !known {
			z.namespaces.Store(n.Name, struct{}{})
		}
		z.touch()
	}
}

// touch gives the zone a new serial number.
func (z *Zone) touch() { z.serial.Store(uint32(time.Now().Unix())) }
