package usage

import (
	"context"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/klog/v2"
	"k8s.io/metrics/pkg/apis/metrics"
)

// nodeStorage is the resource nodes.
type nodeStorage struct{ *source }

var (
	_ rest.Getter               = (*nodeStorage)(nil)
	_ rest.Lister               = (*nodeStorage)(nil)
	_ rest.Scoper               = (*nodeStorage)(nil)
	_ rest.SingularNameProvider = (*nodeStorage)(nil)
)

// New implements [rest.Storage].
func (*nodeStorage) New() runtime.Object { return &metrics.NodeMetrics{} }

// NewList implements [rest.Lister].
func (*nodeStorage) NewList() runtime.Object { return &metrics.NodeMetricsList{} }

// Destroy implements [rest.Storage].
func (*nodeStorage) Destroy() {}

// NamespaceScoped implements [rest.Scoper].
func (*nodeStorage) NamespaceScoped() bool { return false }

// GetSingularName implements [rest.SingularNameProvider].
func (*nodeStorage) GetSingularName() string { return "node" }

// Kind implements [rest.KindProvider].
func (*nodeStorage) Kind() string { return "NodeMetrics" }

// Get implements [rest.Getter].
func (s *nodeStorage) Get(ctx context.Context, name string, _ *metav1.GetOptions) (runtime.Object, error) {
	node, err := s.nodes.Get(name)
	if err != nil {
		return nil, notFound(err, "nodes", name)
	}
	one, err := s.ask(ctx, node)
	if err != nil {
		return nil, apierrors.NewServiceUnavailable(err.Error())
	}
	defer one.mu.Unlock()
	found, ok := nodeMetrics(node, one)
	if !ok {
		return nil, apierrors.NewNotFound(metrics.Resource("nodes"), name)
	}
	return found, nil
}

// List implements [rest.Lister]. Nodes whose agents do not answer are left out.
func (s *nodeStorage) List(ctx context.Context, options *internalversion.ListOptions) (runtime.Object, error) {
	nodes, err := s.nodes.List(selectorOf(options))
	if err != nil {
		return nil, err
	}
	list := &metrics.NodeMetricsList{Items: []metrics.NodeMetrics{}}
	s.each(ctx, nodes, func(node *corev1.Node, one *sample) {
		if found, ok := nodeMetrics(node, one); ok {
			list.Items = append(list.Items, *found)
		}
	})
	return list, nil
}

// ConvertToTable implements [rest.TableConvertor].
func (*nodeStorage) ConvertToTable(_ context.Context, o, _ runtime.Object) (*metav1.Table, error) {
	return tableOf(o)
}

func nodeMetrics(node *corev1.Node, one *sample) (*metrics.NodeMetrics, bool) {
	m, ok := one.measured("", &one.last[""][0])
	return &metrics.NodeMetrics{
		ObjectMeta: metav1.ObjectMeta{Name: node.Name, Labels: node.Labels, CreationTimestamp: metav1.Now()},
		Timestamp:  metav1.NewTime(m.at), Window: metav1.Duration{Duration: m.window}, Usage: m.usage,
	}, ok
}

// mostAsked is how many agents are asked at once.
const mostAsked = 32

// each asks the nodes' agents and calls then for each that has answered, one
// after the other.
func (s *source) each(ctx context.Context, nodes []*corev1.Node, then func(*corev1.Node, *sample)) {
	var all sync.WaitGroup
	var mu sync.Mutex
	turns := make(chan struct{}, mostAsked)
	for _, node := range nodes {
		turns <- struct{}{}
		all.Go(func() {
			defer func() { <-turns }()
			one, err := s.ask(ctx, node)
			if err != nil {
				klog.V(2).InfoS("Measuring what a node uses", "err", err)
				return
			}
			defer one.mu.Unlock()
			mu.Lock()
			defer mu.Unlock()
			then(node, one)
		})
	}
	all.Wait()
}

func selectorOf(options *internalversion.ListOptions) labels.Selector {
	if options == nil || options.LabelSelector == nil {
		return labels.Everything()
	}
	return options.LabelSelector
}

// notFound says that there is nothing of that name in this group.
func notFound(err error, resource, name string) error {
	if apierrors.IsNotFound(err) {
		return apierrors.NewNotFound(metrics.Resource(resource), name)
	}
	return err
}
