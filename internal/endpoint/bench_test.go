package endpoint_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/causeway-access/causeway/internal/endpoint"
	"github.com/causeway-access/causeway/internal/route"
)

// BenchmarkPick is the whole of what a request costs here.
func BenchmarkPick(b *testing.B) {
	for _, n := range []int{1, 3, 100} {
		for _, affinity := range []time.Duration{0, time.Hour} {
			name := fmt.Sprintf("endpoints=%d", n)
			if affinity > 0 {
				name += "/sticky"
			}
			p, service := endpoint.New(), sticky(n, affinity)
			b.Run(name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					exchange(p, service)
				}
			})
			b.Run(name+"/parallel", func(b *testing.B) {
				b.ReportAllocs()
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						exchange(p, service)
					}
				})
			})
		}
	}
}

func exchange(p *endpoint.Picker, b *route.Backend) {
	l, _ := p.Pick(b, endpoint.Ask{Client: alice, Repeatable: true})
	l.Reached()
	l.Done()
}

// BenchmarkPickOfPod is the same for a pod or a node.
func BenchmarkPickOfPod(b *testing.B) {
	p, pod := endpoint.New(), backend(1)
	pod.Resource = route.Pods
	b.ReportAllocs()
	for b.Loop() {
		exchange(p, pod)
	}
}

// BenchmarkSweep is what runs twice a second.
func BenchmarkSweep(b *testing.B) {
	for _, services := range []int{10, 1000, 10000} {
		p := endpoint.New()
		var used []*route.Backend
		for i := range services {
			service := backend(10)
			for j := range service.Endpoints {
				service.Endpoints[j].Host = fmt.Sprint(i)
			}
			used = append(used, service)
		}
		b.Run(fmt.Sprintf("services=%d", services), func(b *testing.B) {
			for n := 0; b.Loop(); n++ {
				if n%100 == 0 { // or they would be forgotten
					b.StopTimer()
					for _, service := range used {
						exchange(p, service)
					}
					b.StartTimer()
				}
				p.Sweep()
			}
		})
	}
}
