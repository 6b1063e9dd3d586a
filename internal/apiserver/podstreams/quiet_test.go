package podstreams

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"

	"github.com/causeway-access/causeway/internal/conn"
)

// TestOnlyClientsWhoGoAreHushed has the libraries complain before and after a
// connection has ended, for one reason and another.
func TestOnlyClientsWhoGoAreHushed(t *testing.T) {
	broken := errors.New("unexpected EOF")
	for _, row := range []struct {
		name  string
		cause error // of the context's end; nil is that it goes on
		level slog.Level
		heard bool
	}{
		{"while it goes on", nil, slog.LevelInfo, true},
		{"the client has gone", conn.ErrDisconnected, slog.LevelInfo, false},
		{"the client has gone, and all is to be heard", conn.ErrDisconnected, slog.Level(-2), true},
		{"the server ends", context.Canceled, slog.LevelInfo, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			var out bytes.Buffer
			sink := slog.NewTextHandler(&out, &slog.HandlerOptions{Level: row.level})
			ctx, end := context.WithCancelCause(klog.NewContext(context.Background(), logr.FromSlogHandler(sink)))
			defer end(nil)
			ctx = hushed(ctx)
			if row.cause != nil {
				end(row.cause)
			}
			klog.FromContext(ctx).WithName("proxy").WithValues("pod", "web").Error(broken, "Error proxying data")
			if got := strings.Contains(out.String(), "unexpected EOF"); got != row.heard {
				t.Errorf("heard is %v, want %v: %q", got, row.heard, out.String())
			}
			if row.heard && !strings.Contains(out.String(), "pod=web") {
				t.Errorf("it does not say about what: %q", out.String())
			}
		})
	}
}
