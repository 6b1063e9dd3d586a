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
	l, whole, err := parse(bytes.TrimSuffix(line, []byte("\n")))
	l.Text = bytes.Clone(l.Text)
	if whole {
		l.Text = append(l.Text, '\n')
	}
	return l, err
}

// parse reads a line without its end. Text is a part of it, and lacks its own
// end even if the line is whole.
func parse(line []byte) (l Line, whole bool, err error) {
	fields := [3][]byte{}
	rest := line
	for i := range fields {
		field, after, found := bytes.Cut(rest, []byte(" "))
		if !found {
			return Line{}, false, fmt.Errorf("a log line has %d fields, want time, stream, tag and text", i+1)
		}
		fields[i], rest = field, after
	}
	at, err := time.Parse(time.RFC3339Nano, string(fields[0]))
	if err != nil {
		return Line{}, false, fmt.Errorf("a log line's time: %w", err)
	}
	l = Line{Time: at, Text: rest}
	switch string(fields[1]) {
	case Stdout:
		l.Stream = Stdout
	case Stderr:
		l.Stream = Stderr
	default:
		return Line{}, false, fmt.Errorf("a log line's stream is %q, want %s or %s", fields[1], Stdout, Stderr)
	}
	// A tag may be followed by others, after colons.
	switch tag, _, _ := bytes.Cut(fields[2], []byte(":")); string(tag) {
	case "F":
		return l, true, nil
	case "P":
		return l, false, nil
	}
	return Line{}, false, fmt.Errorf("a log line's tag is %q, want P or F", fields[2])
}
