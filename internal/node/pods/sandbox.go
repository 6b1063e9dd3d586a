package pods

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/causeway-access/causeway/internal/node/podspec"
	"github.com/causeway-access/causeway/internal/podrun"
)

// prepare has the pod's volumes and sandbox there.
func (w *worker) prepare(ctx context.Context) bool {
	if w.volumes != nil && w.sandbox != nil && len(w.old) == 0 {
		return true
	}
	if left := w.trouble.left(w.m.config.Retry, w.troubled, time.Now()); left > 0 {
		w.after(left)
		return w.volumes != nil && w.sandbox != nil
	}
	if err := w.removeOld(ctx); err != nil {
		return w.failed(ctx, reasonFailedPod, "error killing pod: %v", err)
	}
	if w.volumes == nil {
		volumes, err := w.m.config.Volumes.Mount(ctx, w.pod)
		if err != nil {
			return w.failed(ctx, reasonFailedMount, "%v", err)
		}
		w.volumes = volumes
	}
	if w.sandbox == nil {
		if err := w.makeSandbox(ctx); err != nil {
			return w.failed(ctx, reasonFailedSandbox, "Failed to create pod sandbox: %v", err)
		}
		w.leadPorts()
		w.publish()
	}
	w.trouble = backoff{}
	return true
}

// failed tells that something is not there yet, and has it tried again.
func (w *worker) failed(ctx context.Context, reason, format string, args ...any) bool {
	if ctx.Err() != nil {
		return false // the pod is to go, or the agent
	}
	w.warning(nil, reason, format, args...)
	w.log.Warn("the pod cannot run yet", "reason", reason, "message", fmt.Sprintf(format, args...))
	now := time.Now()
	w.trouble.next(w.m.config.Retry, now)
	w.troubled = now
	w.after(w.trouble.left(w.m.config.Retry, now, now))
	return false
}

func (w *worker) makeSandbox(ctx context.Context) error {
	config, err := podspec.Sandbox(w.pod, w.m.config.Node)
	if err != nil {
		return err
	}
	config.Attempt = w.sandboxes
	id, err := w.m.config.Runtime.RunSandbox(ctx, config)
	if err != nil {
		return err
	}
	w.sandboxes++
	list, err := w.m.lists.get(ctx)
	i := slices.IndexFunc(list, func(s podrun.Sandbox) bool { return s.ID == id })
	if err == nil && (i < 0 || !list[i].Ready) {
		err = errors.New("it ended at once")
	}
	if err != nil {
		w.old = append(w.old, id)
		return err
	}
	made := list[i]
	w.sandbox = &made
	return nil
}

// removeOld removes sandboxes that are not the pod's any more.
func (w *worker) removeOld(ctx context.Context) error {
	for len(w.old) > 0 {
		if err := w.m.config.Runtime.RemoveSandbox(ctx, w.old[0]); err != nil {
			return err
		}
		w.old = w.old[1:]
	}
	return nil
}

// lose takes note that the sandbox is not there any more.
func (w *worker) lose() {
	w.old = append(w.old, w.sandbox.ID)
	for _, c := range w.containers {
		if c.running() && c.in(w.sandbox) {
			ended := *c.current
			ended.State, ended.ExitCode, ended.Reason, ended.Finished = podrun.Exited, 137, podrun.ReasonUnknown, time.Now()
			ended.Message = "the pod's sandbox has ended, and the container with it"
			w.hear(ended)
		}
	}
	w.sandbox = nil
	w.normal(nil, reasonSandboxChanged, "Pod sandbox changed, it will be killed and re-created.")
}
