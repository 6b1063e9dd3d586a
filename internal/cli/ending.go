package cli

import (
	"context"
	"strings"

	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/klog/v2"
)

// quietWhenEnding has what the libraries report as unhandled errors written
// with verbosity 2 alone once ctx has ended. The program then breaks off what
// its own parts have under way with its own API, and both sides of each such
// request would call that an error. What a part fails with is returned, and
// told in any case. So is what a client has left behind: that he is gone is no
// error.
func quietWhenEnding(ctx context.Context) {
	utilruntime.ErrorHandlers[0] = func(of context.Context, err error, msg string, about ...any) {
		log := klog.LoggerWithName(klog.FromContext(of).WithCallDepth(3), "UnhandledError")
		if ctx.Err() == nil && !leftBehind(err) {
			log.Error(err, msg, about...) //nolint:logcheck // the library's words
			return
		}
		log.V(2).Info(msg, append(about, "err", err)...) //nolint:logcheck // the library's words
	}
}

// leftBehind reports whether an error is that nobody wants the answer any more.
// The libraries do not always wrap it.
func leftBehind(err error) bool {
	return err != nil && strings.HasSuffix(err.Error(), context.Canceled.Error())
}
