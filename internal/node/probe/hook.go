package probe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// Hook does what a container's life asks for: runs a command, makes a request,
// or waits. ctx bounds it. A command has to succeed; a request has to be
// answered, in whatever way, as the API defines it.
func Hook(ctx context.Context, t Target, h corev1.LifecycleHandler) error {
	switch {
	case h.Exec != nil:
		return t.run(ctx, h.Exec.Command)
	case h.HTTPGet != nil:
		return t.call(ctx, h.HTTPGet)
	case h.Sleep != nil:
		select {
		case <-ctx.Done():
			return fmt.Errorf("sleeping %d s: %w", h.Sleep.Seconds, ctx.Err())
		case <-time.After(time.Duration(h.Sleep.Seconds) * time.Second):
			return nil
		}
	case h.TCPSocket != nil:
		return errors.New("tcpSocket is not supported as a handler of lifecycle hooks: use exec, httpGet or sleep")
	}
	return errors.New("the lifecycle hook has no handler: give it exec, httpGet or sleep")
}

func (t Target) run(ctx context.Context, args []string) error {
	code, output, err := t.Exec(ctx, args)
	command := strings.Join(args, " ")
	if err != nil {
		return fmt.Errorf("running %q: %w", command, err)
	}
	if code != 0 {
		return fmt.Errorf("command %q exited with %d: %s", command, code, output[:min(len(output), longest)])
	}
	return nil
}

func (t Target) call(ctx context.Context, action *corev1.HTTPGetAction) error {
	request, err := t.request(ctx, action)
	if err != nil {
		return err
	}
	answer, err := t.client().Do(request)
	if err != nil {
		return err
	}
	// A server may not have done its work before its answer is read.
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, longest))
	return answer.Body.Close()
}
