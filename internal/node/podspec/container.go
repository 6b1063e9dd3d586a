package podspec

import (
	"cmp"

	corev1 "k8s.io/api/core/v1"

	"github.com/causeway-access/causeway/internal/podrun"
)

// Resolved is what the node has found and made for a container.
type Resolved struct {
	// Attempt counts the containers of this name in the pod.
	Attempt uint32
	Image   podrun.Image
	// Hostname is what the pod calls itself.
	Hostname string
	// Environment is also for what command and args refer to.
	Environment *Environment
	// Mounts are all, in their order.
	Mounts  []podrun.Mount
	LogPath string
}

// Container is what a runtime is told of a container.
func Container(pod *corev1.Pod, c *corev1.Container, with Resolved) (podrun.ContainerConfig, error) {
	if err := checkNonRoot(pod, c, with.Image.User); err != nil {
		return podrun.ContainerConfig{}, err
	}
	security, err := security(pod, c)
	if err != nil {
		return podrun.ContainerConfig{}, err
	}
	return podrun.ContainerConfig{
		Name: c.Name, Attempt: with.Attempt,
		Image:   c.Image,
		Command: expandAll(c.Command, with.Environment.Value),
		Args:    expandAll(c.Args, with.Environment.Value),
		Dir:     c.WorkingDir,
		// Programs expect to find their name there, though the API says nothing of it.
		Env:    append([]string{"HOSTNAME=" + with.Hostname}, with.Environment.List()...),
		Mounts: with.Mounts, Resources: containerResources(c), Security: security,
		Stdin: c.Stdin, StdinOnce: c.StdinOnce, TTY: c.TTY,
		LogPath: with.LogPath, StopSignal: stopSignal(c),
	}, nil
}

// TerminationMessagePath is the file to which a container writes why it ends.
func TerminationMessagePath(c *corev1.Container) string {
	return cmp.Or(c.TerminationMessagePath, corev1.TerminationMessagePathDefault)
}
