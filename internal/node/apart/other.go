//go:build !linux

package apart

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/causeway-access/causeway/internal/node"
	"github.com/causeway-access/causeway/internal/podrun/ns/userns"
)

// Needed says that no namespaces are: there are none.
func Needed(string) bool { return false }

// Check says that namespaces are Linux'.
func Check(ctx context.Context) error { return userns.Possible(ctx) }

// Main does nothing.
func Main([]string) {}

// Agent cannot be run.
type Agent struct{}

// New makes an agent that cannot be run.
func New(Settings, *slog.Logger) *Agent { return &Agent{} }

// Ready is never closed.
func (*Agent) Ready() <-chan struct{} { return nil }

// Run fails.
func (*Agent) Run(context.Context) error { return errors.ErrUnsupported }

// EndPods fails.
func EndPods(context.Context, string, time.Duration, *slog.Logger) ([]node.Ended, error) {
	return nil, errors.ErrUnsupported
}
