package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"

	"go.etcd.io/etcd/server/v3/embed"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// logTo sends what etcd logs to log. What etcd takes for the end of the
// process goes to failed instead: it panics, in goroutines of its own, over a
// damaged file, and we want to say what happened.
func logTo(log *slog.Logger, failed chan<- error) func(*embed.Config) error {
	return embed.NewZapLoggerBuilder(zap.New(&core{log: log}, zap.WithPanicHook(halt(failed)), zap.WithFatalHook(halt(failed))))
}

// halt ends the goroutine that cannot go on, and tells why.
type halt chan<- error

// OnWrite implements [zapcore.CheckWriteHook].
func (h halt) OnWrite(entry *zapcore.CheckedEntry, fields []zapcore.Field) {
	values := zapcore.NewMapObjectEncoder()
	for _, f := range fields {
		f.AddTo(values)
	}
	err := errors.New(entry.Message)
	if cause, ok := values.Fields["error"]; ok {
		err = fmt.Errorf("%s: %v", entry.Message, cause)
	}
	select {
	case h <- err:
	default: // one is enough
	}
	runtime.Goexit()
}

// core is a [zapcore.Core] in front of a logger of the standard library.
type core struct {
	log    *slog.Logger
	fields []zapcore.Field
}

// Enabled implements [zapcore.LevelEnabler]: etcd warns of every slow request,
// which on a busy machine is noise.
func (*core) Enabled(level zapcore.Level) bool { return level >= zapcore.ErrorLevel }

// With implements [zapcore.Core].
func (c *core) With(fields []zapcore.Field) zapcore.Core {
	return &core{c.log, append(c.fields[:len(c.fields):len(c.fields)], fields...)}
}

// Check implements [zapcore.Core].
func (c *core) Check(entry zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(entry.Level) {
		return checked.AddCore(entry, c)
	}
	return checked
}

// Write implements [zapcore.Core].
func (c *core) Write(entry zapcore.Entry, fields []zapcore.Field) error {
	values := zapcore.NewMapObjectEncoder()
	for _, f := range append(c.fields[:len(c.fields):len(c.fields)], fields...) {
		f.AddTo(values)
	}
	if harmless(fmt.Sprint(values.Fields["error"])) {
		return nil
	}
	attributes := make([]any, 0, 2*len(values.Fields))
	for key, value := range values.Fields {
		attributes = append(attributes, key, value)
	}
	c.log.Log(context.Background(), slog.LevelError, "etcd: "+entry.Message, attributes...)
	return nil
}

// harmless tells errors that every first start and every stop has.
func harmless(text string) bool {
	for _, known := range []string{"cannot detect storage schema version", "use of closed network connection", "http: Server closed"} {
		if strings.Contains(text, known) {
			return true
		}
	}
	return false
}

// Sync implements [zapcore.Core].
func (*core) Sync() error { return nil }
