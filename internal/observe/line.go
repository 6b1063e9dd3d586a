package observe

import (
	"context"
	"log/slog"
	"strings"
)

// write logs the lines until there are no more.
func (o *Observer) write() {
	for l := range o.lines {
		o.cfg.Logger.LogAttrs(context.Background(), slog.LevelInfo, "request", l.attrs()...)
		if n := o.dropped.Swap(0); n > 0 {
			o.cfg.Logger.LogAttrs(context.Background(), slog.LevelWarn, "access lines dropped: the log is too slow", slog.Int64("lines", n))
		}
	}
}

// attrs returns the line as the log shows it.
func (l *Line) attrs() []slog.Attr {
	attrs := make([]slog.Attr, 0, 14)
	attrs = append(attrs,
		slog.String("id", l.ID),
		slog.String("client", l.Client),
		slog.String("user", l.userName()),
		slog.String("method", l.Method),
		slog.String("uri", l.Path+redact(l.Query)),
		slog.Int("status", l.Status),
		slog.Int64("sent", l.Sent),
		slog.Int64("received", l.Received),
		slog.Duration("duration", l.End.Sub(l.Start)),
	)
	if l.Backend != "" {
		attrs = append(attrs, slog.String("backend", l.Backend))
	}
	if l.Retries > 0 {
		attrs = append(attrs, slog.Int("retries", l.Retries))
	}
	if l.Upgrade {
		attrs = append(attrs, slog.Bool("upgrade", true))
	}
	if l.Err != nil {
		attrs = append(attrs, slog.String("error", l.Err.Error()))
	}
	return attrs
}

func (l *Line) userName() string {
	if l.User == nil {
		return "-"
	}
	return l.User.GetName()
}

// redact returns a query with its question mark and without the values of its
// parameters, which may be secrets of the application or of the caller.
func redact(query string) string {
	if query == "" {
		return ""
	}
	var b strings.Builder
	b.WriteByte('?')
	for i, pair := range strings.Split(query, "&") {
		if i > 0 {
			b.WriteByte('&')
		}
		name, _, hasValue := strings.Cut(pair, "=")
		if !hasValue { // a word alone may be as secret as a value
			name = ""
		}
		b.WriteString(name)
		b.WriteString("=...")
	}
	return b.String()
}
