package usage

import (
	"context"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	genericrequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/metrics/pkg/apis/metrics"
)

// podStorage is the resource pods.
type podStorage struct{ *source }

var (
	_ rest.Getter               = (*podStorage)(nil)
	_ rest.Lister               = (*podStorage)(nil)
	_ rest.Scoper               = (*podStorage)(nil)
	_ rest.SingularNameProvider = (*podStorage)(nil)
)

// New implements [rest.Storage].
func (*podStorage) New() runtime.Object { return &metrics.PodMetrics{} }

// NewList implements [rest.Lister].
func (*podStorage) NewList() runtime.Object { return &metrics.PodMetricsList{} }

// Destroy implements [rest.Storage].
func (*podStorage) Destroy() {}

// NamespaceScoped implements [rest.Scoper].
func (*podStorage) NamespaceScoped() bool { return true }

// GetSingularName implements [rest.SingularNameProvider].
func (*podStorage) GetSingularName() string { return "pod" }

// Kind implements [rest.KindProvider].
func (*podStorage) Kind() string { return "PodMetrics" }

// Get implements [rest.Getter].
func (s *podStorage) Get(ctx context.Context, name string, _ *metav1.GetOptions) (runtime.Object, error) {
	pod, err := s.pods.Pods(genericrequest.NamespaceValue(ctx)).Get(name)
	if err != nil {
		return nil, notFound(err, "pods", name)
	}
	if found := s.measure(ctx, []*corev1.Pod{pod}); len(found) > 0 {
		return &found[0], nil
	}
	return nil, apierrors.NewNotFound(metrics.Resource("pods"), name)
}

// List implements [rest.Lister]. Pods that do not run are left out, and those on
// nodes whose agents do not answer.
func (s *podStorage) List(ctx context.Context, options *internalversion.ListOptions) (runtime.Object, error) {
	pods, err := s.pods.Pods(genericrequest.NamespaceValue(ctx)).List(selectorOf(options))
	if err != nil {
		return nil, err
	}
	return &metrics.PodMetricsList{Items: s.measure(ctx, pods)}, nil
}

// ConvertToTable implements [rest.TableConvertor].
func (*podStorage) ConvertToTable(_ context.Context, o, _ runtime.Object) (*metav1.Table, error) {
	return tableOf(o)
}

// measure returns what those of the pods use of which that is known, in the
// order of their names.
func (s *podStorage) measure(ctx context.Context, pods []*corev1.Pod) []metrics.PodMetrics {
	on := map[string][]*corev1.Pod{}
	var nodes []*corev1.Node
	for _, pod := range pods {
		name := pod.Spec.NodeName
		if name == "" || pod.Status.Phase != corev1.PodRunning {
			continue
		}
		if node, err := s.nodes.Get(name); err == nil && len(on[name]) == 0 {
			nodes = append(nodes, node)
		}
		on[name] = append(on[name], pod)
	}
	found := []metrics.PodMetrics{}
	s.each(ctx, nodes, func(node *corev1.Node, one *sample) {
		for _, pod := range on[node.Name] {
			if m, ok := podMetrics(pod, one); ok {
				found = append(found, *m)
			}
		}
	})
	slices.SortFunc(found, func(a, b metrics.PodMetrics) int {
		return strings.Compare(a.Namespace+"/"+a.Name, b.Namespace+"/"+b.Name)
	})
	return found
}

// podMetrics is not ok unless all is known of each container.
func podMetrics(pod *corev1.Pod, one *sample) (*metrics.PodMetrics, bool) {
	m := &metrics.PodMetrics{
		ObjectMeta: metav1.ObjectMeta{Name: pod.Name, Namespace: pod.Namespace, Labels: pod.Labels, CreationTimestamp: metav1.Now()},
	}
	for _, s := range one.last[pod.UID] {
		c, ok := one.measured(pod.UID, &s)
		if !ok {
			return nil, false
		}
		m.Timestamp, m.Window = metav1.NewTime(c.at), metav1.Duration{Duration: c.window}
		m.Containers = append(m.Containers, metrics.ContainerMetrics{Name: s.Name, Usage: c.usage})
	}
	return m, len(m.Containers) > 0
}
