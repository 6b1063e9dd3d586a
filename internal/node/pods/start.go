package pods

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/causeway-access/causeway/internal/node/podspec"
	"github.com/causeway-access/causeway/internal/node/probe"
	"github.com/causeway-access/causeway/internal/podrun"
)

// start starts a container, if its time has come, and says whether those after
// it may be started.
func (w *worker) start(ctx context.Context, c *container) bool {
	if w.backsOff(c) {
		return true
	}
	image, settled := w.image(ctx, c)
	if image == nil {
		return settled
	}
	if left := c.retry.left(w.m.config.Retry, c.tried, time.Now()); left > 0 {
		w.after(left)
		return true
	}
	config, close, err := w.configure(ctx, c, *image)
	defer close()
	if err != nil {
		w.cannotMake(ctx, c, "CreateContainerConfigError", err)
		return true
	}
	if err := w.launch(ctx, c, *image, config); err != nil {
		w.cannotMake(ctx, c, "CreateContainerError", err)
		return true
	}
	return w.begun(ctx, c)
}

// backsOff says whether a container that has ended waits before its next start.
func (w *worker) backsOff(c *container) bool {
	if !c.exited() {
		return false
	}
	limits := w.m.config.Restart
	left := c.crash.left(limits, c.finished(), time.Now())
	if left == 0 {
		return false
	}
	w.after(left)
	if c.why.name != "CrashLoopBackOff" {
		c.why = reason{"CrashLoopBackOff", fmt.Sprintf("back-off %s restarting failed container=%s pod=%s", c.crash.delay, c.spec.Name, podspec.Describe(w.pod))}
		w.warning(c, reasonBackOff, "Back-off restarting failed container %s in pod %s", c.spec.Name, podspec.Describe(w.pod))
	}
	return true
}

// cannotMake tells why a container cannot be made, and has it tried again.
func (w *worker) cannotMake(ctx context.Context, c *container, name string, err error) {
	if ctx.Err() != nil {
		return
	}
	now := time.Now()
	c.retry.next(w.m.config.Retry, now)
	c.tried = now
	w.after(c.retry.delay)
	c.why = reason{name, err.Error()}
	w.warning(c, reasonFailed, "Error: %v", err)
}

// configure finds all that a container needs. What was opened for it is closed
// by the function that is returned, which is never nil.
func (w *worker) configure(ctx context.Context, c *container, image podrun.Image) (config podrun.ContainerConfig, close func(), err error) {
	opened := &files{}
	services, err := w.services()
	if err != nil {
		return config, opened.close, err
	}
	node := w.m.config.Node
	env, err := podspec.MakeEnvironment(w.pod, c.spec, podspec.Surroundings{
		Node: node, IPs: w.addresses(), Services: services, Objects: objects{ctx, w.m.config.Client},
	})
	if err != nil {
		return config, opened.close, err
	}
	if len(env.Skipped) > 0 {
		w.warning(c, reasonInvalidNames, "Keys %q from the EnvFrom sources were skipped since they are considered invalid environment variable names.", env.Skipped)
	}
	mounts, err := w.mounts(c, env, opened)
	if err != nil {
		return config, opened.close, err
	}
	log, err := w.makeLog(c)
	if err != nil {
		return config, opened.close, err
	}
	config, err = podspec.Container(w.pod, c.spec, podspec.Resolved{
		Attempt: c.next(), Image: image, Hostname: w.hostname(), Environment: env, Mounts: mounts, LogPath: log,
	})
	return config, opened.close, err
}

// hostname is the pod's, or the node's if it has its network.
func (w *worker) hostname() string {
	if name, err := os.Hostname(); err == nil && w.pod.Spec.HostNetwork {
		return name
	}
	return w.sandbox.Config.Hostname
}

// makeLog makes the place of a container's log and returns its name.
func (w *worker) makeLog(c *container) (string, error) {
	name := w.logPath(c.spec.Name, c.next())
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return "", fmt.Errorf("making the directory of the container's log: %w", err)
	}
	return name, nil
}

func (w *worker) logPath(container string, attempt uint32) string {
	return filepath.Join(w.logDir(), container, strconv.FormatUint(uint64(attempt), 10)+".log")
}

func (w *worker) logDir() string { return w.m.LogDir(w.pod) }

// LogDir has a directory for each container of a pod, with its logs.
func (m *Manager) LogDir(pod *corev1.Pod) string {
	return filepath.Join(m.config.LogDir, podspec.LogDir(pod))
}

// launch makes a container and starts it. Only what prevents the making is an
// error: one that cannot be started has ended.
func (w *worker) launch(ctx context.Context, c *container, image podrun.Image, config podrun.ContainerConfig) error {
	runtime := w.m.config.Runtime
	id, err := runtime.CreateContainer(ctx, w.sandbox.ID, config)
	if err != nil {
		return err
	}
	w.normal(c, reasonCreated, "Created container: %s", c.spec.Name)
	if c.exited() {
		c.crash.next(w.m.config.Restart, time.Now())
	}
	c.retry = backoff{}
	w.discard(ctx, c.previous)
	c.retire()
	c.begin(config.Attempt)
	now := time.Now()
	c.current = &podrun.Container{
		ID: id, Sandbox: w.sandbox.ID, Config: config, ImageID: image.ID, State: podrun.Running, Created: now, Started: now,
	}
	if err := runtime.StartContainer(ctx, id); err != nil {
		w.cannotStart(c, err)
		return nil
	}
	c.why, c.current.Started = reason{}, time.Now()
	w.normal(c, reasonStarted, "Started container %s", c.spec.Name)
	return nil
}

// cannotStart takes note of a container that has ended before it began.
func (w *worker) cannotStart(c *container, err error) {
	c.current.State, c.current.Finished = podrun.Exited, time.Now()
	c.current.ExitCode, c.current.Reason, c.current.Message = 128, podrun.ReasonStartError, err.Error()
	c.words = err.Error()
	c.why = reason{"RunContainerError", c.words}
	w.warning(c, reasonFailed, "Error: %v", err)
	if errors.Is(err, podrun.ErrNotReady) {
		w.m.glance()
	}
	w.poke()
}

// begun watches a container that runs, and does what is to be done at its
// start before others follow.
func (w *worker) begun(ctx context.Context, c *container) bool {
	if !c.running() {
		return true
	}
	w.watch(c)
	w.publish()
	if c.spec.Lifecycle == nil || c.spec.Lifecycle.PostStart == nil {
		return true
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(c.life, cancel)()
	err := probe.Hook(ctx, w.targetOf(c), *c.spec.Lifecycle.PostStart)
	if err != nil && ctx.Err() == nil {
		w.warning(c, "FailedPostStartHook", "PostStartHook failed: %v", err)
		w.stop(c, w.graceOf(), "FailedPostStartHook")
	}
	return true
}

// discard removes a container that nobody asks for any more, with its log.
func (w *worker) discard(ctx context.Context, dead *podrun.Container) {
	if dead == nil {
		return
	}
	if err := w.m.config.Runtime.RemoveContainer(ctx, dead.ID); err != nil {
		w.log.Warn("a dead container is left", "container", dead.ID, "error", err)
	}
	logs, _ := filepath.Glob(w.logPath(dead.Config.Name, dead.Config.Attempt) + "*")
	for _, name := range append(logs, w.wordsPath(dead.Config.Name, dead.Config.Attempt)) {
		_ = os.Remove(name)
	}
}

// services are those that the pod's environment names.
func (w *worker) services() ([]*corev1.Service, error) {
	return servicesFor(w.m.config.Services.Lister(), w.pod.Namespace)
}
