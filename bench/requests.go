package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

const (
	window   = 3 * time.Second // of each measurement of throughput
	services = 1000            // in the list
	watched  = 300             // events of the watch
)

// throughput calls do from several clients for a while, and returns calls per second.
func throughput(ctx context.Context, clients int, do func(ctx context.Context, n int64) error) (float64, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next, done atomic.Int64
	var wg sync.WaitGroup
	begun := time.Now()
	for range clients {
		wg.Go(func() {
			for time.Since(begun) < window && ctx.Err() == nil {
				if err := do(ctx, next.Add(1)); err != nil {
					cancel(err)
					return
				}
				done.Add(1)
			}
		})
	}
	wg.Wait()
	return float64(done.Load()) / time.Since(begun).Seconds(), context.Cause(ctx)
}

// interleave takes turns with two measurements and returns their medians.
func (b *bench) interleave(ours, theirs func(round int) (float64, error)) (float64, float64, error) {
	var mine, others []float64
	for round := range b.rounds {
		m, err := ours(round)
		if err != nil {
			return 0, 0, err
		}
		o, err := theirs(round)
		if err != nil {
			return 0, 0, err
		}
		mine, others = append(mine, m), append(others, o)
	}
	return median(mine), median(others), nil
}

var payload = strings.Repeat("x", 256)

func (b *bench) measureCreates(ctx context.Context, s *subject, p *peer) error {
	client, err := s.client()
	if err != nil {
		return err
	}
	for _, clients := range []int{1, 16} {
		create := func(round int) (float64, error) {
			return throughput(ctx, clients, func(ctx context.Context, n int64) error {
				_, err := client.CoreV1().ConfigMaps("default").Create(ctx, &corev1.ConfigMap{
					ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("c%d-%d-%d", clients, round, n)}, Data: map[string]string{"k": payload},
				}, metav1.CreateOptions{})
				return err
			})
		}
		put := func(round int) (float64, error) {
			return throughput(ctx, clients, func(ctx context.Context, n int64) error {
				_, err := p.client.Put(ctx, fmt.Sprintf("/c%d-%d-%d", clients, round, n), payload)
				return err
			})
		}
		mine, others, err := b.interleave(create, put)
		if err != nil {
			return err
		}
		b.report.compare(fmt.Sprintf("creates with fsync, %d clients", clients), "1/s", mine, "put into etcd", others)
	}
	return nil
}

// measureWatch takes the time from the call that creates to the event.
func (b *bench) measureWatch(ctx context.Context, s *subject, p *peer) error {
	client, err := s.client()
	if err != nil {
		return err
	}
	mine, err := watchDelays(ctx, client)
	if err != nil {
		return err
	}
	others, err := etcdWatchDelays(ctx, p.client)
	if err != nil {
		return err
	}
	for name, q := range map[string]float64{"p50": 0.5, "p99": 0.99} {
		b.report.compare("create to event, "+name, "ms", milliseconds(quantile(mine, q)), "put to etcd event", milliseconds(quantile(others, q)))
	}
	return nil
}

func watchDelays(ctx context.Context, client kubernetes.Interface) ([]time.Duration, error) {
	w, err := client.CoreV1().Secrets("default").Watch(ctx, metav1.ListOptions{LabelSelector: "bench=watch"})
	if err != nil {
		return nil, err
	}
	defer w.Stop()
	var delays []time.Duration
	for n := range watched {
		begun := time.Now()
		_, err := client.CoreV1().Secrets("default").Create(ctx, &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("watched-%d", n), Labels: map[string]string{"bench": "watch"}},
		}, metav1.CreateOptions{})
		if err != nil {
			return nil, err
		}
		if _, ok := <-w.ResultChan(); !ok {
			return nil, fmt.Errorf("the watch ended after %d events", n)
		}
		delays = append(delays, time.Since(begun))
	}
	return delays, nil
}

func etcdWatchDelays(ctx context.Context, client *clientv3.Client) ([]time.Duration, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	events := client.Watch(ctx, "/watched/", clientv3.WithPrefix())
	var delays []time.Duration
	for n := range watched {
		begun := time.Now()
		if _, err := client.Put(ctx, fmt.Sprintf("/watched/%d", n), payload); err != nil {
			return nil, err
		}
		if _, ok := <-events; !ok {
			return nil, fmt.Errorf("etcd's watch ended after %d events", n)
		}
		delays = append(delays, time.Since(begun))
	}
	return delays, nil
}

func (b *bench) measureList(ctx context.Context, s *subject, p *peer) error {
	client, err := s.client()
	if err != nil {
		return err
	}
	if err := fill(ctx, client, p); err != nil {
		return err
	}
	for name, query := range map[string]string{"from the cache": "?resourceVersion=0", "consistent": ""} {
		list := func(int) (float64, error) {
			return throughput(ctx, 2, func(ctx context.Context, _ int64) error {
				_, err := client.CoreV1().RESTClient().Get().RequestURI("/api/v1/namespaces/default/services" + query).DoRaw(ctx)
				return err
			})
		}
		scan := func(int) (float64, error) {
			return throughput(ctx, 2, func(ctx context.Context, _ int64) error {
				_, err := p.client.Get(ctx, "/services/", clientv3.WithPrefix())
				return err
			})
		}
		mine, others, err := b.interleave(list, scan)
		if err != nil {
			return err
		}
		b.report.compare(fmt.Sprintf("list of %d services as JSON, %s", services, name), "1/s", mine, "range of etcd", others)
	}
	return nil
}

// fill makes the services that are listed, and as much for the peer.
func fill(ctx context.Context, client kubernetes.Interface, p *peer) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(8)
	for n := range services {
		group.Go(func() error {
			_, err := client.CoreV1().Services("default").Create(ctx, &corev1.Service{
				ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("s%d", n)},
				Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}},
			}, metav1.CreateOptions{})
			if err != nil {
				return err
			}
			_, err = p.client.Put(ctx, fmt.Sprintf("/services/%d", n), strings.Repeat(payload, 2))
			return err
		})
	}
	return group.Wait()
}
