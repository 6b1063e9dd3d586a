package apart

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"slices"
)

// relay logs here what the process inside has logged, until that has ended. What
// it says besides, such as why it died, is logged too.
func relay(lines io.ReadCloser, log *slog.Logger) {
	defer lines.Close()
	for r := bufio.NewReader(lines); ; {
		line, err := r.ReadBytes('\n')
		if len(line) > 0 {
			relayLine(line, log)
		}
		if err != nil {
			return
		}
	}
}

func relayLine(line []byte, log *slog.Logger) {
	var fields map[string]any
	var level slog.Level
	text := ""
	if json.Unmarshal(line, &fields) == nil {
		text, _ = fields[slog.MessageKey].(string)
		name, _ := fields[slog.LevelKey].(string)
		if level.UnmarshalText([]byte(name)) != nil {
			text = ""
		}
	}
	if text == "" {
		log.Error("The node's agent says", "line", string(line))
		return
	}
	var attrs []slog.Attr
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		switch key {
		case slog.MessageKey, slog.LevelKey, slog.TimeKey:
		default:
			attrs = append(attrs, slog.Any(key, fields[key]))
		}
	}
	log.LogAttrs(context.Background(), level, text, attrs...)
}
