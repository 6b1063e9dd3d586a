package node

import (
	"context"
	"os"
	"slices"

	"github.com/causeway-access/causeway/internal/podrun"
)

// podRuntime is what runs the pods, and can be closed.
type podRuntime interface {
	podrun.Runtime
	// Name and Version are the runtime's; the name begins the IDs of containers
	// in the API.
	Name() string
	Version() string
	// Missing names what the machine cannot do for pods.
	Missing() []string
	// Close lets another agent have the pods, which go on.
	Close() error
}

// openRuntime waits for the range of the pods' addresses, which the control
// plane gives, and finds the pods of an earlier agent.
func (a *Agent) openRuntime(ctx context.Context) error {
	cidr, err := a.node.PodCIDR(ctx)
	if err != nil {
		return err
	}
	r, err := a.cfg.open(ctx, cidr)
	if err != nil {
		return err
	}
	a.runtime, a.podRange = withProgram{r}, cidr.Masked()
	a.onClose(r.Close)
	return nil
}

// programPath is where containers of the host image find this very program.
const programPath = "/usr/local/bin/causeway"

// withProgram adds this program to containers of the host image. It may stand
// where they cannot see it.
type withProgram struct{ podRuntime }

// CreateContainer implements [podrun.Containers].
func (w withProgram) CreateContainer(ctx context.Context, sandbox string, config podrun.ContainerConfig) (string, error) {
	if program, err := os.Executable(); err == nil && config.Image == podrun.HostImage {
		config.Mounts = append(slices.Clone(config.Mounts), podrun.Mount{Source: program, Target: programPath, ReadOnly: true})
	}
	return w.podRuntime.CreateContainer(ctx, sandbox, config)
}

// runtimeVersion is the runtime's, when it is known.
func (a *Agent) runtimeVersion() string {
	if a.runtime == nil {
		return ""
	}
	return a.runtime.Name() + "://" + a.runtime.Version()
}

// missing says what the machine cannot do, when that is known.
func (a *Agent) missing() []string {
	if a.runtime == nil {
		return nil
	}
	list := a.runtime.Missing()
	if a.outward != nil {
		list = append(slices.Clone(list), a.outward.Missing()...)
	}
	if a.tunnel != nil {
		for _, server := range a.tunnel.Missing() {
			list = append(slices.Clone(list), "no tunnel to the API server at "+server+", which does not reach this node and its pods")
		}
	}
	if a.routes != nil {
		list = append(slices.Clone(list), a.routes.Missing()...)
	}
	return append(slices.Clone(list), a.missingBeyond()...)
}
