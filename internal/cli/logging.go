package cli

import (
	"bytes"
	"io"
	"log/slog"
	"strings"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/component-base/logs"
	logsapi "k8s.io/component-base/logs/api/v1"
)

// logFlags are the flags by which a long-running command is told what to log.
type logFlags struct {
	config    *logsapi.LoggingConfiguration
	verbosity *pflag.Flag
}

// addTo adds -v, --vmodule, --logging-format and the like to a command. Those
// that tune buffers are there, but not in the help.
func (l *logFlags) addTo(cmd *cobra.Command) {
	// The formats belong to the process; an error says that this one is there.
	_ = logsapi.RegisterLogFormat(logsapi.JSONLogFormat, jsonFormat{}, logsapi.LoggingBetaOptions)
	l.config = logsapi.NewLoggingConfiguration()
	logsapi.AddFlags(l.config, cmd.Flags())
	l.verbosity = cmd.Flags().Lookup("v")
	l.verbosity.Usage = "how much to log, from 0 for what happens to 10 for every request; warnings and errors alone if not given"
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		f.Hidden = f.Hidden || strings.HasPrefix(f.Name, "log-")
	})
}

// apply makes the flags count, for the whole process. A person who asks for
// nothing sees warnings and errors; a program that reads JSON gets everything.
func (l *logFlags) apply(stderr io.Writer) error {
	logs.InitLogs()
	options := &logsapi.LoggingOptions{ErrorStream: stderr, InfoStream: stderr}
	if !l.verbosity.Changed {
		options.ErrorStream = warnings{stderr}
	}
	if err := logsapi.ValidateAndApplyWithOptions(l.config, options, nil); err != nil {
		return usagef("log flags: %w", err)
	}
	return nil
}

// warnings drops the lines of the text format that are neither warning nor
// error. A line comes in one Write and begins with its severity.
type warnings struct{ io.Writer }

func (w warnings) Write(line []byte) (int, error) {
	if len(line) > 0 && line[0] == 'I' || bytes.Contains(line, knownWarning) {
		return len(line), nil
	}
	return w.Writer.Write(line)
}

// knownWarning comes at each start from the library that serves custom
// resources: a version of its own API that it no longer stores.
var knownWarning = []byte("Skipping API apiextensions.k8s.io/v1beta1")

// jsonFormat writes one JSON object a line with the keys that Kubernetes uses:
// ts (seconds since 1970), v, msg, err.
type jsonFormat struct{}

// Create implements logsapi.LogFormatFactory.
func (jsonFormat) Create(c logsapi.LoggingConfiguration, o logsapi.LoggingOptions) (logr.Logger, logsapi.RuntimeControl) {
	level := new(slog.LevelVar)
	setVerbosity := func(v uint32) error {
		level.Set(slog.Level(-int(v)))
		return nil
	}
	_ = setVerbosity(uint32(c.Verbosity)) // never fails
	return logr.FromSlogHandler(newJSONHandler(o.ErrorStream, level)), logsapi.RuntimeControl{SetVerbosityLevel: setVerbosity}
}

// newJSONHandler names the fields as Kubernetes does. logr's levels of detail
// are slog's levels below Info.
func newJSONHandler(w io.Writer, level slog.Leveler) slog.Handler {
	return slog.NewJSONHandler(w, &slog.HandlerOptions{
		Level: level,
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) > 0 {
				return a
			}
			switch a.Key {
			case slog.TimeKey:
				return slog.Float64("ts", float64(a.Value.Time().UnixNano())/1e9)
			case slog.LevelKey:
				return verbosity(a)
			}
			return a
		},
	})
}

// verbosity turns slog's level into logr's; errors have none, they carry err.
func verbosity(a slog.Attr) slog.Attr {
	if level, ok := a.Value.Any().(slog.Level); ok && level <= slog.LevelInfo {
		return slog.Int("v", -int(level))
	}
	return slog.Attr{}
}
