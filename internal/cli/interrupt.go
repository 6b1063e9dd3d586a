package cli

import (
	"context"
	"os/signal"
	"syscall"
)

// untilInterrupted returns a context that ends with the first SIGINT or
// SIGTERM. From then on signals act as usual, so a second one ends the process
// at once, however long a clean end takes.
func untilInterrupted(ctx context.Context) (context.Context, context.CancelFunc) {
	if ctx == nil { // cobra's, if the command was executed without one
		ctx = context.Background()
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}
