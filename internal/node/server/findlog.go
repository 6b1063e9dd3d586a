package server

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/causeway-access/causeway/internal/node/podspec"
	"github.com/causeway-access/causeway/internal/podrun"
)

// foundLog is a log and the container that writes it; none if it has ended.
type foundLog struct{ path, container string }

// findLog finds the log of a container: of the one that runs or has run last,
// or of the one before. A container that is gone has left it.
func (s *server) findLog(pod *corev1.Pod, name string, previous bool) (foundLog, error) {
	dir := filepath.Join(s.LogDir, podspec.LogDir(pod), name)
	attempts, err := attemptsIn(dir)
	if err != nil {
		return foundLog{}, err
	}
	current := foundLog{}
	c, err := s.Pods.Container(pod.Namespace, pod.Name, pod.UID, name)
	last := len(attempts) - 1
	switch {
	case err == nil && !c.Started.IsZero():
		current.path = c.Config.LogPath
		if current.path == "" {
			current.path = filepath.Join(dir, fileOf(c.Config.Attempt))
		}
		if c.State == podrun.Running {
			current.container = c.ID
		}
		last, _ = slices.BinarySearch(attempts, c.Config.Attempt)
	case err == nil: // made, but not started: what counts is the one before
		last, _ = slices.BinarySearch(attempts, c.Config.Attempt)
		last--
	case !errors.Is(err, podrun.ErrNotFound):
		return foundLog{}, err
	}
	if previous {
		last--
	}
	if current.path != "" && !previous {
		return current, nil
	}
	if last < 0 && previous {
		return foundLog{}, fmt.Errorf("previous terminated container %q in pod %q not found", name, pod.Name)
	}
	if last < 0 {
		return foundLog{}, waiting(pod, name)
	}
	return foundLog{path: filepath.Join(dir, fileOf(attempts[last]))}, nil
}

func fileOf(attempt uint32) string { return fmt.Sprintf("%d.log", attempt) }

// attemptsIn lists the attempts whose logs are in a directory, in their order.
func attemptsIn(dir string) ([]uint32, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	var attempts []uint32
	for _, e := range entries {
		number, found := strings.CutSuffix(e.Name(), ".log")
		if n, err := strconv.ParseUint(number, 10, 32); found && err == nil {
			attempts = append(attempts, uint32(n))
		}
	}
	slices.Sort(attempts)
	return attempts, nil
}

// waiting says why a container has no log yet, in words that users know.
func waiting(pod *corev1.Pod, name string) error {
	for _, c := range slices.Concat(pod.Status.ContainerStatuses, pod.Status.InitContainerStatuses, pod.Status.EphemeralContainerStatuses) {
		if c.Name != name {
			continue
		}
		reason := ""
		if c.State.Waiting != nil {
			reason = c.State.Waiting.Reason
		}
		switch reason {
		case "":
			return fmt.Errorf("container %q in pod %q is waiting to start - no logs yet", name, pod.Name)
		case "ErrImagePull":
			return fmt.Errorf("container %q in pod %q is waiting to start: image can't be pulled", name, pod.Name)
		case "ImagePullBackOff":
			return fmt.Errorf("container %q in pod %q is waiting to start: trying and failing to pull image", name, pod.Name)
		}
		return fmt.Errorf("container %q in pod %q is waiting to start: %s", name, pod.Name, reason)
	}
	return fmt.Errorf("container %q in pod %q is not available", name, pod.Name)
}

// has tells whether a pod has a container of that name.
func has(pod *corev1.Pod, name string) bool {
	named := func(c corev1.Container) bool { return c.Name == name }
	return slices.ContainsFunc(pod.Spec.Containers, named) || slices.ContainsFunc(pod.Spec.InitContainers, named) ||
		slices.ContainsFunc(pod.Spec.EphemeralContainers, func(c corev1.EphemeralContainer) bool { return c.Name == name })
}

// ended returns a channel that is closed when the writer of a log has ended,
// or ctx has.
func (s *server) ended(ctx context.Context, log foundLog) <-chan struct{} {
	done := make(chan struct{})
	if log.container == "" {
		close(done)
		return done
	}
	go func() {
		defer close(done)
		// A container that is removed meanwhile has ended, too.
		_, _ = s.Runtime.Wait(ctx, log.container)
	}()
	return done
}
