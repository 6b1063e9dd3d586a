package pods

import (
	"context"
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"
)

// Manager runs a node's pods.
type Manager struct {
	config  Config
	pods    cache.SharedIndexInformer
	events  record.EventRecorder
	pulls   pulls
	lists   lists
	glances chan struct{}
	claims  claims

	// running are all goroutines of workers.
	running sync.WaitGroup
	mu      sync.Mutex
	workers map[types.UID]*worker
}

// New makes a manager. Nothing happens before Run.
func New(config Config) (*Manager, error) {
	if err := config.complete(); err != nil {
		return nil, err
	}
	own := informers.NewSharedInformerFactoryWithOptions(config.Client, 0, informers.WithTweakListOptions(func(o *metav1.ListOptions) {
		o.FieldSelector = fields.OneTermEqualSelector("spec.nodeName", config.Node.Name).String()
	}))
	config.Services.Informer()
	m := &Manager{
		config: config, workers: map[types.UID]*worker{}, pulls: newPulls(config.Runtime),
		lists: lists{runtime: config.Runtime}, glances: make(chan struct{}, 1),
		pods:   own.Core().V1().Pods().Informer(),
		events: &record.FakeRecorder{},
	}
	return m, nil
}

// Run adopts what an earlier agent has left and runs pods until ctx ends.
// Containers go on after that. It is called once.
func (m *Manager) Run(ctx context.Context) error {
	defer m.recordEvents()()
	defer m.running.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	m.running.Go(func() { m.pods.RunWithContext(ctx) })
	if !cache.WaitForCacheSync(ctx.Done(), m.pods.HasSynced, m.config.Services.Informer().HasSynced) {
		return ctx.Err()
	}
	if err := m.adopt(ctx); err != nil {
		return fmt.Errorf("adopting the pods of an earlier agent: %w", err)
	}
	if err := m.follow(ctx); err != nil {
		return fmt.Errorf("following the node's pods: %w", err)
	}
	m.look(ctx)
	return ctx.Err()
}

// follow tells workers of their pods from now on.
func (m *Manager) follow(ctx context.Context) error {
	_, err := m.pods.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(obj any) { m.changed(ctx, obj.(*corev1.Pod)) },
		UpdateFunc: func(_, obj any) { m.changed(ctx, obj.(*corev1.Pod)) },
		DeleteFunc: func(obj any) {
			if tomb, ok := obj.(cache.DeletedFinalStateUnknown); ok {
				obj = tomb.Obj
			}
			if pod, ok := obj.(*corev1.Pod); ok {
				m.deleted(pod)
			}
		},
	})
	return err
}

// changed hands a pod to its worker, which it makes if there is none.
func (m *Manager) changed(ctx context.Context, pod *corev1.Pod) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if w := m.workers[pod.UID]; w != nil {
		w.tell(func(in *inbox) { in.pod = pod })
		return
	}
	m.start(ctx, newWorker(m, pod))
}

// deleted tells a worker that its pod is not in the API any more.
func (m *Manager) deleted(pod *corev1.Pod) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.claims.release(pod.UID) // who comes in its place is not to wait for its end
	if w := m.workers[pod.UID]; w != nil {
		w.tell(func(in *inbox) { in.pod, in.gone = pod, true })
	}
}

// start lets a worker work. The caller holds mu.
func (m *Manager) start(ctx context.Context, w *worker) {
	if ctx.Err() != nil {
		return
	}
	m.workers[w.uid] = w
	m.running.Go(func() {
		w.run(ctx)
		m.claims.release(w.uid)
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.workers, w.uid)
	})
}
