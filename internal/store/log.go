package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"syscall"

	"go.etcd.io/etcd/server/v3/embed"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// logTo sends what etcd logs to log. What etcd takes for the end of the
// process goes to end instead: it panics, in goroutines of its own, over a
// damaged file or a full disk, and we want to say what happened.
func logTo(log *slog.Logger, end *failure) func(*embed.Config) error {
	return embed.NewZapLoggerBuilder(zap.New(&core{log: log}, zap.WithPanicHook(end), zap.WithFatalHook(end)))
}

// failure is the end of a member that cannot go on.
type failure struct {
	once   sync.Once
	reason chan error    // gets one error
	halted chan struct{} // closed when a goroutine has ended over it
}

func newFailure() *failure {
	return &failure{reason: make(chan error, 1), halted: make(chan struct{})}
}

// errDiskFull is the part of a reason that says what to do about it.
var errDiskFull = errors.New("make space on the disk and start again; everything that was acknowledged will be there")

// OnWrite implements [zapcore.CheckWriteHook]: it ends the goroutine that
// cannot go on, and tells why.
func (f *failure) OnWrite(entry *zapcore.CheckedEntry, fields []zapcore.Field) {
	values := zapcore.NewMapObjectEncoder()
	for _, field := range fields {
		field.AddTo(values)
	}
	err := errors.New(entry.Message)
	if cause, ok := values.Fields["error"]; ok {
		err = fmt.Errorf("%s: %v", entry.Message, cause)
	}
	if strings.Contains(err.Error(), syscall.ENOSPC.Error()) {
		err = fmt.Errorf("%w: %w", err, errDiskFull)
	}
	f.tell(err)
	f.once.Do(func() { close(f.halted) })
	runtime.Goexit()
}

// tell keeps the first reason; one is enough.
func (f *failure) tell(err error) {
	select {
	case f.reason <- err:
	default:
	}
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
