package crilog

import (
	"bytes"
	"fmt"
	"time"
)

// Line is one line of a log.
type Line struct {
	Time   time.Time
	Stream string
	// Text has the line's own end, unless it is a part.
	Text []byte
}

// Parse reads a line, with or without the end of it.
func Parse(line []byte) (Line, error) {
	line = bytes.TrimSuffix(line, []byte("\n"))
	fields := bytes.SplitN(line, []byte(" "), 4)
	if len(fields) != 4 {
		return Line{}, fmt.Errorf("a log line has %d fields, want time, stream, tag and text", len(fields))
	}
	at, err := time.Parse(time.RFC3339Nano, string(fields[0]))
	if err != nil {
		return Line{}, fmt.Errorf("a log line's time: %w", err)
	}
	stream := string(fields[1])
	if stream != Stdout && stream != Stderr {
		return Line{}, fmt.Errorf("a log line's stream is %q, want %s or %s", stream, Stdout, Stderr)
	}
	text := bytes.Clone(fields[3])
	// A tag may be followed by others, after colons.
	switch tag, _, _ := bytes.Cut(fields[2], []byte(":")); string(tag) {
	case "F":
		text = append(text, '\n')
	case "P":
	default:
		return Line{}, fmt.Errorf("a log line's tag is %q, want P or F", fields[2])
	}
	return Line{Time: at, Stream: stream, Text: text}, nil
}
