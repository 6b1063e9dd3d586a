package probe

import (
	"context"
	"strings"
	"time"
)

// exec succeeds if the command does.
func (t Target) exec(ctx context.Context, args []string) Result {
	begun := time.Now()
	code, output, err := t.Exec(ctx, args)
	text := string(output[:min(len(output), longest)])
	switch {
	case ctx.Err() != nil:
		return failure("command timed out: %q timed out after %s", strings.Join(args, " "), time.Since(begun).Round(time.Millisecond))
	case err != nil:
		return Result{Unknown, err.Error()}
	case code != 0 && text == "":
		return failure("command %q exited with %d", strings.Join(args, " "), code)
	case code != 0:
		return Result{Failure, text}
	}
	return Result{Success, text}
}
