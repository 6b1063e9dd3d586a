package pods

import (
	"context"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/causeway-access/causeway/internal/podrun"
)

// worker brings one pod to where it should be, and keeps it there.
type worker struct {
	m   *Manager
	uid types.UID
	log *slog.Logger
	// wake begins a round.
	wake chan struct{}

	mu    sync.Mutex
	inbox inbox
	// interrupt ends what a round does when the pod is to go.
	interrupt context.CancelFunc
	// shown is the worker's last word, for others to read.
	shown shown

	// What follows is of the worker's goroutine alone.

	// life is the context of run, for what goes on beside rounds.
	life context.Context
	// adopted are the sandboxes that an earlier agent has left.
	adopted []podrun.Sandbox
	// pod is as the API has it; gone says that it has it no more.
	pod        *corev1.Pod
	gone       bool
	sandbox    *podrun.Sandbox
	sandboxes  uint32 // made until now
	old        []string
	containers []*container
	volumes    map[string]string
	// letIn: the pod's ports of the node are its own. led is where they lead.
	letIn bool
	led   netip.Addr
	// cleared: nothing of the pod runs or is mounted any more.
	cleared bool
	// ips are those of the last sandbox.
	ips    []netip.Addr
	status *corev1.PodStatus
	writer *writer
	// verdict ends the pod whatever its containers do; its zero value does not.
	verdict verdict
	// ended is the phase that the pod does not leave.
	ended corev1.PodPhase
	// grace is what a pod that is to end has been given, and halt when it is over.
	grace time.Duration
	halt  time.Time
	// deleted: the API has been asked to forget the pod.
	deleted bool
	// trouble is with the sandbox or volumes.
	trouble   backoff
	troubled  time.Time
	announced bool
	// next is when the next round begins at the latest.
	next time.Time
	done bool
}

// verdict is why a pod is ended that would go on.
type verdict struct {
	reason, message string
	// hurry has containers end at once, or nearly so: what they would do meanwhile
	// makes it worse.
	hurry bool
}

// inbox is what others tell a worker.
type inbox struct {
	pod   *corev1.Pod
	gone  bool
	ended []podrun.Container
	lost  string // a sandbox that is not there any more
	calls []func()
}

// shown is what others may know of a worker's pod.
type shown struct {
	pod        *corev1.Pod
	sandbox    string
	containers map[string]podrun.Container
}

func newWorker(m *Manager, pod *corev1.Pod) *worker {
	return &worker{
		m: m, uid: pod.UID, pod: pod, wake: make(chan struct{}, 1),
		log:   m.config.Log.With("pod", pod.Namespace+"/"+pod.Name, "uid", string(pod.UID)),
		shown: shown{pod: pod},
	}
}

// tell puts something into the inbox.
func (w *worker) tell(f func(*inbox)) {
	w.mu.Lock()
	f(&w.inbox)
	if w.inbox.gone || w.inbox.pod != nil && w.inbox.pod.DeletionTimestamp != nil {
		if w.interrupt != nil {
			w.interrupt()
		}
	}
	w.mu.Unlock()
	w.poke()
}

// later has the worker's own goroutine do something.
func (w *worker) later(f func()) { w.tell(func(in *inbox) { in.calls = append(in.calls, f) }) }

// poke begins a round.
func (w *worker) poke() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// run goes round until the pod is no more or ctx ends.
func (w *worker) run(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w.life = ctx
	w.writer = newWriter(w.m, w.poke)
	w.m.running.Go(func() { w.writer.run(ctx) })
	w.kinds()
	w.adopt(ctx)
	for {
		w.take()
		w.next = time.Time{}
		w.round(ctx)
		if w.done || ctx.Err() != nil {
			return
		}
		w.publish()
		w.rest(ctx)
	}
}

// rest waits for the next round.
func (w *worker) rest(ctx context.Context) {
	var due <-chan time.Time
	if !w.next.IsZero() {
		timer := time.NewTimer(time.Until(w.next))
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-ctx.Done():
	case <-w.wake:
	case <-due:
	}
}

// after has the next round begin in at most d.
func (w *worker) after(d time.Duration) {
	if at := time.Now().Add(max(d, time.Millisecond)); w.next.IsZero() || at.Before(w.next) {
		w.next = at
	}
}

// take empties the inbox.
func (w *worker) take() {
	w.mu.Lock()
	in := w.inbox
	w.inbox = inbox{}
	w.mu.Unlock()
	if in.pod != nil {
		w.pod = in.pod
		if w.volumes != nil {
			w.m.config.Volumes.Update(w.pod)
		}
	}
	w.gone = w.gone || in.gone
	w.kinds()
	for _, ended := range in.ended {
		w.hear(ended)
	}
	for _, call := range in.calls {
		call()
	}
	if in.lost != "" && !w.cleared && w.sandbox != nil && w.sandbox.ID == in.lost {
		w.lose()
	}
}

// hear takes note of a container's end.
func (w *worker) hear(ended podrun.Container) {
	i := slices.IndexFunc(w.containers, func(c *container) bool { return c.current != nil && c.current.ID == ended.ID })
	if i < 0 || w.containers[i].exited() {
		return
	}
	c := w.containers[i]
	c.current = &ended
	c.started, c.ready = false, false
	c.watched()
	c.words = w.lastWords(c, c.current)
	w.log.Info("a container has ended", "container", c.spec.Name, "attempt", ended.Config.Attempt,
		"code", ended.ExitCode, "reason", ended.Reason, "message", ended.Message)
}

// doing is the context of a round, which ends when the pod is to go.
func (w *worker) doing(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.interrupt = cancel
	if w.inbox.gone || w.inbox.pod != nil && w.inbox.pod.DeletionTimestamp != nil {
		cancel()
	}
	return ctx, cancel
}
