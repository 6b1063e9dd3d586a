package podstreams

import (
	"context"
	"errors"

	"k8s.io/klog/v2"

	"github.com/causeway-access/causeway/internal/conn"
)

// hushed is ctx with a logger for the libraries' proxies, which call it an error
// of theirs when a client goes in the middle of his connection, as people do who
// press ^C. Once ctx has ended for that reason they are heard with verbosity 2.
func hushed(ctx context.Context) context.Context {
	log := klog.FromContext(ctx).WithCallDepth(1)
	return klog.NewContext(ctx, log.WithSink(hushedSink{log.GetSink(), ctx}))
}

type hushedSink struct {
	klog.LogSink
	ctx context.Context
}

// Error implements [klog.LogSink].
func (s hushedSink) Error(err error, msg string, about ...any) {
	if !errors.Is(context.Cause(s.ctx), conn.ErrDisconnected) {
		s.LogSink.Error(err, msg, about...)
	} else if s.Enabled(2) {
		s.Info(2, msg, append(about, "err", err)...)
	}
}

// WithValues implements [klog.LogSink].
func (s hushedSink) WithValues(about ...any) klog.LogSink {
	return hushedSink{s.LogSink.WithValues(about...), s.ctx}
}

// WithName implements [klog.LogSink].
func (s hushedSink) WithName(name string) klog.LogSink {
	return hushedSink{s.LogSink.WithName(name), s.ctx}
}
