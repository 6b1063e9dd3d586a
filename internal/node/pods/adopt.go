package pods

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/causeway-access/causeway/internal/podrun"
)

// adopt makes workers for all pods that there are, with the sandboxes that an
// earlier agent has left, and ends and removes what belongs to none.
func (m *Manager) adopt(ctx context.Context) error {
	list, err := m.lists.get(ctx)
	if err != nil {
		return err
	}
	m.mu.Lock()
	var workers []*worker
	for _, obj := range m.pods.GetStore().List() {
		w := newWorker(m, obj.(*corev1.Pod))
		for _, s := range list {
			if s.Config.UID == string(w.uid) {
				w.adopted = append(w.adopted, s)
			}
		}
		workers = append(workers, w)
	}
	slices.SortFunc(workers, older)
	m.claims.keep(workers)
	for _, w := range workers {
		m.start(ctx, w)
	}
	m.mu.Unlock()
	m.bury(ctx, list)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sweep()
	return m.config.Volumes.Keep(func(uid types.UID) bool { return m.workers[uid] != nil })
}

// bury ends pods that only the runtime knows.
func (m *Manager) bury(ctx context.Context, list []podrun.Sandbox) {
	orphans := map[types.UID][]podrun.Sandbox{}
	for _, s := range list {
		if uid := types.UID(s.Config.UID); uid != "" {
			orphans[uid] = append(orphans[uid], s)
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for uid, sandboxes := range orphans {
		if m.workers[uid] != nil {
			continue
		}
		w := newWorker(m, podOf(sandboxes))
		w.adopted, w.gone = sandboxes, true
		w.log.Info("a pod runs here that the API does not know: it is removed")
		m.start(ctx, w)
	}
}

// podOf is as much of a pod as its sandboxes tell.
func podOf(sandboxes []podrun.Sandbox) *corev1.Pod {
	config := sandboxes[0].Config
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: config.Namespace, Name: config.Name, UID: types.UID(config.UID)}}
	for _, s := range sandboxes {
		for _, c := range s.Containers {
			known := func(o corev1.Container) bool { return o.Name == c.Config.Name }
			if !slices.ContainsFunc(pod.Spec.Containers, known) {
				pod.Spec.Containers = append(pod.Spec.Containers, corev1.Container{Name: c.Config.Name, Image: c.Config.Image})
			}
		}
	}
	return pod
}

// sweep removes the logs and small files of pods that are not here any more.
// The caller holds mu.
func (m *Manager) sweep() {
	for dir, uid := range map[string]func(name string) string{
		m.config.Dir:    func(name string) string { return name },
		m.config.LogDir: func(name string) string { return name[strings.LastIndex(name, "_")+1:] },
	} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue // none was made yet
		}
		for _, e := range entries {
			if m.workers[types.UID(uid(e.Name()))] == nil {
				_ = os.RemoveAll(filepath.Join(dir, e.Name()))
			}
		}
	}
}

// adopt takes note of what an earlier agent has left of the pod.
func (w *worker) adopt(ctx context.Context) {
	for i, s := range w.adopted {
		w.sandboxes = max(w.sandboxes, s.Config.Attempt+1)
		if s.Ready && w.sandbox == nil {
			w.sandbox = &w.adopted[i]
			continue
		}
		w.old = append(w.old, s.ID)
	}
	if hasEnded(w.pod) {
		w.ended = w.pod.Status.Phase
	}
	if w.pod.Status.PodIP != "" {
		w.ips = addresses(w.pod.Status.PodIPs)
	}
	for _, c := range w.containers {
		w.adoptContainer(ctx, c)
	}
	w.adopted = nil
}

// adoptContainer finds the last two of a container's name. What the runtime
// does not know any more, the API may.
func (w *worker) adoptContainer(ctx context.Context, c *container) {
	told := w.told(c)
	var found []podrun.Container
	for _, s := range w.adopted {
		for _, f := range s.Containers {
			switch {
			case f.Config.Name != c.spec.Name:
			case f.State == podrun.Created:
				w.discard(ctx, &f) // the agent died before it was started
			default:
				found = append(found, f)
			}
		}
	}
	slices.SortFunc(found, func(a, b podrun.Container) int { return cmp.Compare(a.Config.Attempt, b.Config.Attempt) })
	if len(found) == 0 && told != nil {
		found = w.remembered(c, told)
	}
	for len(found) > 2 {
		w.discard(ctx, &found[0])
		found = found[1:]
	}
	for i := range found {
		c.retire()
		c.current = &found[i]
		c.begin(found[i].Config.Attempt)
		if c.exited() {
			c.words = w.lastWords(c, c.current)
		}
	}
	if !c.running() {
		return
	}
	if told != nil && told.ContainerID == w.containerID(c.current) {
		c.ready, c.started = told.Ready, told.Started != nil && *told.Started
		if told.State.Running != nil { // the times differ by what a start takes
			c.current.Started = told.State.Running.StartedAt.Time
		}
	}
	w.watch(c)
}

// told is what the API has of a container.
func (w *worker) told(c *container) *corev1.ContainerStatus {
	s := &w.pod.Status
	for _, list := range [][]corev1.ContainerStatus{s.InitContainerStatuses, s.ContainerStatuses, s.EphemeralContainerStatuses} {
		for i := range list {
			if list[i].Name == c.spec.Name && list[i].ContainerID != "" {
				return &list[i]
			}
		}
	}
	return nil
}

// remembered are the containers of which the API tells: the one before the
// newest, if it does, and the newest. One that ran does not any more.
func (w *worker) remembered(c *container, told *corev1.ContainerStatus) []podrun.Container {
	newest := told.State.Terminated
	last := told.LastTerminationState.Terminated
	switch {
	case told.State.Waiting != nil && last != nil:
		newest, last = last, nil
	case told.State.Running != nil, newest == nil:
		newest = &corev1.ContainerStateTerminated{
			ExitCode: 137, Reason: podrun.ReasonUnknown, ContainerID: told.ContainerID, FinishedAt: metav1.NewTime(time.Now()),
			Message: "The container could not be located when the pod was looked for",
		}
		if told.State.Running != nil {
			newest.StartedAt = told.State.Running.StartedAt
		}
	}
	count := uint32(max(told.RestartCount, 0))
	list := []podrun.Container{w.past(c, told, newest, count)}
	if last != nil && count > 0 {
		list = slices.Insert(list, 0, w.past(c, told, last, count-1))
	}
	return list
}

// past is a container of which only the API tells.
func (w *worker) past(c *container, told *corev1.ContainerStatus, t *corev1.ContainerStateTerminated, attempt uint32) podrun.Container {
	return podrun.Container{
		ID:      t.ContainerID[strings.LastIndex(t.ContainerID, "/")+1:],
		Config:  podrun.ContainerConfig{Name: c.spec.Name, Attempt: attempt, Image: c.spec.Image, LogPath: w.logPath(c.spec.Name, attempt)},
		ImageID: told.ImageID, State: podrun.Exited,
		Started: t.StartedAt.Time, Finished: t.FinishedAt.Time,
		ExitCode: int(t.ExitCode), Reason: t.Reason, Message: t.Message,
	}
}
