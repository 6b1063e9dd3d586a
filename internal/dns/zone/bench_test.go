package zone_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/miekg/dns"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kruntime "k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	source "k8s.io/client-go/tools/cache/testing"

	"github.com/causeway-access/causeway/internal/dns/zone"
)

// BenchmarkLookup neither searches nor allocates, with 10 services and with
// 10,000. What is left of a difference is the memory that has to be fetched.
func BenchmarkLookup(b *testing.B) {
	for _, services := range []int{10, 10_000} {
		b.Run(fmt.Sprintf("services=%d", services), func(b *testing.B) {
			z := large(b, services)
			names := make([]string, services)
			for i := range names {
				names[i] = fmt.Sprintf("web-%d.ns-%d.svc.cluster.local.", i, i%100)
			}
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(p *testing.PB) {
				for i := 0; p.Next(); i++ {
					if a, ok := z.Lookup(names[i*7919%services], dns.TypeA); !ok || len(a.Records) != 1 {
						b.Error("no such service")
						return
					}
				}
			})
		})
	}
}

// large is the zone of a cluster with so many services.
func large(b *testing.B, services int) *zone.Zone {
	b.Helper()
	ctx, cancel := context.WithCancel(b.Context())
	b.Cleanup(cancel)
	factory := informers.NewSharedInformerFactory(nil, 0)
	known := source.NewFakeControllerSource()
	watch := func(object kruntime.Object, from *source.FakeControllerSource) {
		factory.InformerFor(object, func(kubernetes.Interface, time.Duration) cache.SharedIndexInformer {
			return cache.NewSharedIndexInformer(from, object, 0, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc})
		})
	}
	for i := range services {
		known.Add(&corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("web-%d", i), Namespace: fmt.Sprintf("ns-%d", i%100)},
			Spec:       corev1.ServiceSpec{ClusterIP: fmt.Sprintf("10.96.%d.%d", i/250, 1+i%250), Ports: []corev1.ServicePort{{Name: "http", Port: 80}}},
		})
	}
	watch(&corev1.Service{}, known)
	watch(&discoveryv1.EndpointSlice{}, source.NewFakeControllerSource())
	watch(&corev1.Namespace{}, source.NewFakeControllerSource())
	z, err := zone.New(factory, zone.Config{Domain: "cluster.local", Nameserver: "kube-dns.kube-system", TTL: 5 * time.Second})
	if err != nil {
		b.Fatal(err)
	}
	factory.Start(ctx.Done())
	for !z.HasSynced() {
		time.Sleep(time.Millisecond)
	}
	return z
}
