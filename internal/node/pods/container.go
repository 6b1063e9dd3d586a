package pods

import (
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/causeway-access/causeway/internal/podrun"
)

// kind is what a container is for.
type kind int

const (
	// setup is an init container that ends before the next is started.
	setup kind = iota
	// sidecar is an init container that goes on beside the others.
	sidecar
	ordinary
	ephemeral
)

// container is what a worker knows of one of its pod's containers.
type container struct {
	kind kind
	spec *corev1.Container
	// current is the newest, nil before there is one; previous is the one
	// before it, which has ended.
	current, previous *podrun.Container
	// words and previousWords are what they said at their end.
	words, previousWords string
	// attempts counts the containers of this name until now.
	attempts uint32
	// why says why it does not run, if it should.
	why reason
	// crash waits between two starts, pull between two pulls.
	crash, pull backoff
	// retry waits after tried, when it could not be made.
	retry backoff
	tried time.Time
	// puller is the pull under way or ended.
	puller *puller
	// started and ready are what probes have found.
	started, ready bool
	// stop is set as soon as the end of current has been asked for.
	stop *stopping
	// life ends with current, and watched ends what looks at it.
	life    context.Context
	watched context.CancelFunc
}

// reason is the state of a container that waits.
type reason struct{ name, message string }

// path is that of a container within its pod; empty for nil, which is the pod.
func (c *container) path() string {
	if c == nil {
		return ""
	}
	list := "containers"
	switch c.kind {
	case setup, sidecar:
		list = "initContainers"
	case ephemeral:
		list = "ephemeralContainers"
	}
	return fmt.Sprintf("spec.%s{%s}", list, c.spec.Name)
}

// next is the attempt of the container to be made.
func (c *container) next() uint32 { return c.attempts }

// begin takes note that an attempt has been made.
func (c *container) begin(attempt uint32) { c.attempts = attempt + 1 }

// restartCount is the attempt of the newest container.
func (c *container) restartCount() int32 { return int32(max(c.attempts, 1) - 1) }

func (c *container) running() bool { return c.current != nil && c.current.State == podrun.Running }

// exited is true for one that has run, or tried to.
func (c *container) exited() bool { return c.current != nil && c.current.State == podrun.Exited }

// in says whether the newest container is in a sandbox.
func (c *container) in(sandbox *podrun.Sandbox) bool {
	return c.current != nil && sandbox != nil && c.current.Sandbox == sandbox.ID
}

// retire makes place for the next container.
func (c *container) retire() {
	if c.watched != nil {
		c.watched()
	}
	if c.current != nil {
		c.previous, c.previousWords = c.current, c.words
	}
	c.current, c.words, c.watched, c.stop = nil, "", nil, nil
	c.started, c.ready = false, false
}

// finished is when current ended.
func (c *container) finished() time.Time {
	if c.current.Finished.IsZero() {
		return c.current.Created
	}
	return c.current.Finished
}

// restarts says whether a container that has ended is to run again.
func (c *container) restarts(policy corev1.RestartPolicy) bool {
	code := int32(c.current.ExitCode)
	switch c.kind {
	case ephemeral:
		return false
	case sidecar:
		return true
	}
	for _, rule := range c.spec.RestartPolicyRules {
		if rule.ExitCodes == nil {
			continue
		}
		listed := slices.Contains(rule.ExitCodes.Values, code)
		if listed == (rule.ExitCodes.Operator == corev1.ContainerRestartRuleOnExitCodesOpIn) {
			return true
		}
	}
	if own := c.spec.RestartPolicy; own != nil {
		policy = corev1.RestartPolicy(*own)
	}
	if c.kind == setup {
		return code != 0 && policy != corev1.RestartPolicyNever
	}
	return policy == corev1.RestartPolicyAlways || policy == corev1.RestartPolicyOnFailure && code != 0
}

// kinds brings what a worker knows of containers in line with the pod, in the
// order in which they are started.
func (w *worker) kinds() {
	known := map[string]*container{}
	for _, c := range w.containers {
		known[c.spec.Name] = c
	}
	w.containers = w.containers[:0]
	add := func(k kind, spec *corev1.Container) {
		c := known[spec.Name]
		if c == nil {
			c = &container{}
		}
		c.kind, c.spec = k, spec
		w.containers = append(w.containers, c)
	}
	for i := range w.pod.Spec.InitContainers {
		spec := &w.pod.Spec.InitContainers[i]
		k := setup
		if spec.RestartPolicy != nil && *spec.RestartPolicy == corev1.ContainerRestartPolicyAlways {
			k = sidecar
		}
		add(k, spec)
	}
	for i := range w.pod.Spec.Containers {
		add(ordinary, &w.pod.Spec.Containers[i])
	}
	for i := range w.pod.Spec.EphemeralContainers {
		spec := corev1.Container(w.pod.Spec.EphemeralContainers[i].EphemeralContainerCommon)
		add(ephemeral, &spec)
	}
}

// of are a pod's containers of some kinds.
func (w *worker) of(kinds ...kind) []*container {
	var list []*container
	for _, c := range w.containers {
		if slices.Contains(kinds, c.kind) {
			list = append(list, c)
		}
	}
	return list
}
