package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"

	"github.com/causeway-access/causeway/internal/conn"
	"github.com/causeway-access/causeway/internal/tunnel"
)

const (
	// podsByAddress is the index of pods that relayed adds.
	podsByAddress = "causeway.cluster/podAddress"
	// mostRelayed bounds what nodes have open through one tunnel at a time: less
	// than it carries, so that this server reaches the node's API and its pods
	// whatever nodes do.
	mostRelayed = 768
)

// relayed is what this server knows, and counts, of connections that nodes have
// to pods by way of it.
type relayed struct {
	pods cache.Indexer

	mu   sync.Mutex
	open map[string]int // through the tunnel of a node

	connections prometheus.Gauge
	total       *prometheus.CounterVec
}

// follow has the ways be as the cluster says, whose pods' addresses are in a
// range, and registers the metrics.
func (w *ways) follow(factory informers.SharedInformerFactory, pods netip.Prefix, register func(prometheus.Collector) error) error {
	w.nodes.Within = pods
	all := factory.Core().V1().Pods().Informer()
	if err := all.AddIndexers(cache.Indexers{podsByAddress: addressesOf}); err != nil {
		return fmt.Errorf("watching pods for the ways to them: %w", err)
	}
	r := &w.relayed
	r.pods, r.open = all.GetIndexer(), map[string]int{}
	r.connections = prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace: "causeway", Subsystem: "relay", Name: "connections", Help: "Connections of nodes to pods that go by this API server now.",
	})
	r.total = prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "causeway", Subsystem: "relay", Name: "connections_total",
		Help: "Connections of nodes to pods that this API server was asked for, by what became of them: open, refused (not a pod that the node may reach so), failed.",
	}, []string{"result"})
	if err := errors.Join(register(r.connections), register(r.total)); err != nil {
		return err
	}
	return w.nodes.Follow(factory.Core().V1().Nodes().Informer())
}

// addressesOf are the addresses that are a pod's own.
func addressesOf(o any) (list []string, _ error) {
	pod, ok := o.(*corev1.Pod)
	if !ok || pod.Spec.HostNetwork || pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
		return nil, nil
	}
	for _, ip := range pod.Status.PodIPs {
		if a, err := netip.ParseAddr(ip.IP); err == nil {
			list = append(list, a.Unmap().String())
		}
	}
	return list, nil
}

// dialFor dials pods for a node.
func (w *ways) dialFor(from string) conn.DialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := w.dialRelayed(ctx, from, network, address)
		result := "open"
		switch {
		case errors.As(err, new(*tunnel.Refusal)):
			result = "refused"
		case err != nil:
			result = "failed"
		}
		w.relayed.total.WithLabelValues(result).Inc()
		return c, err
	}
}

func (w *ways) dialRelayed(ctx context.Context, from, network, address string) (net.Conn, error) {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return nil, &tunnel.Refusal{Why: fmt.Sprintf("%q is not the address and port of a pod", address)}
	}
	node, tunnelled, err := w.judge(from, to.Addr().Unmap())
	if err != nil {
		return nil, err
	}
	if !tunnelled {
		node = "" // there is no tunnel whose connections are counted
	}
	done, err := w.relayed.enter(node)
	if err != nil {
		return nil, err
	}
	c, err := w.Dial(ctx, network, to.String())
	if err != nil {
		done()
		return nil, err
	}
	return &counted{Conn: c, done: done}, nil
}

// judge says whose pod has the address, if the node may reach it so: both are
// this cluster's, and they do not reach each other themselves. A node writes its
// pods' addresses, and can so name no others than those of its own range.
func (w *ways) judge(from string, to netip.Addr) (node string, tunnelled bool, err error) {
	known, fromTunnelled := w.nodes.Known(from)
	if !known {
		return "", false, &tunnel.Refusal{Why: fmt.Sprintf("node %s is none of this cluster's", from)}
	}
	node, tunnelled = w.nodes.Of(to)
	switch {
	case node == "" || !w.relayed.has(node, to):
		return "", false, &tunnel.Refusal{Why: fmt.Sprintf("%s is not known as the address of a pod: nodes reach nothing else by an API server", to)}
	case !tunnelled && !fromTunnelled:
		return "", false, &tunnel.Refusal{Why: fmt.Sprintf("%s is a pod of node %s, which has no tunnel, and neither has node %s: reach it directly", to, node, from)}
	}
	return node, tunnelled, nil
}

// has tells whether a pod of the node has that address.
func (r *relayed) has(node string, address netip.Addr) bool {
	objects, err := r.pods.ByIndex(podsByAddress, address.String())
	return err == nil && slices.ContainsFunc(objects, func(o any) bool { return o.(*corev1.Pod).Spec.NodeName == node })
}

// enter counts a connection until the function that it returns is called.
func (r *relayed) enter(node string) (done func(), err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if node != "" && r.open[node] >= mostRelayed {
		return nil, &tunnel.Absent{Why: fmt.Sprintf("nodes have %d connections through the tunnel of node %s to this server already", mostRelayed, node)}
	}
	r.open[node]++
	r.connections.Inc()
	return sync.OnceFunc(func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.open[node]--; r.open[node] == 0 {
			delete(r.open, node)
		}
		r.connections.Dec()
	}), nil
}

// counted is a connection that is counted until it is closed.
type counted struct {
	net.Conn
	done func()
}

// Close implements [net.Conn].
func (c *counted) Close() error {
	defer c.done()
	return c.Conn.Close()
}

// CloseWrite implements [conn.HalfCloser].
func (c *counted) CloseWrite() error {
	if half, ok := c.Conn.(conn.HalfCloser); ok {
		return half.CloseWrite()
	}
	return c.Conn.Close()
}
