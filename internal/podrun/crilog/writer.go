// Package crilog writes and reads the logs of containers in the format of the
// Container Runtime Interface: a line is a time in RFC 3339, the stream, P for
// a part of a line or F for the last of it, and the text.
//
// It is of floor 1.
package crilog

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"time"
)

// longest part of a line, in bytes; longer ones become several.
const longest = 16 << 10

// The streams.
const (
	Stdout = "stdout"
	Stderr = "stderr"
)

// Writer is a log file that is turned when it is full: to PATH.1, that to
// PATH.2, and so on.
type Writer struct {
	path  string
	max   int64
	files int

	mu   sync.Mutex
	file *os.File
	size int64
}

// Create opens the log path, at its end if there is one, to hold maxSize bytes
// in each of at most files files; 10 MiB in 5 if they are zero.
func Create(path string, maxSize int64, files int) (*Writer, error) {
	if maxSize <= 0 {
		maxSize = 10 << 20
	}
	if files <= 0 {
		files = 5
	}
	w := &Writer{path: path, max: maxSize, files: files}
	return w, w.open()
}

func (w *Writer) open() error {
	f, err := os.OpenFile(w.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o640)
	if err != nil {
		return fmt.Errorf("opening a container's log: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return fmt.Errorf("opening a container's log: %w", err)
	}
	w.file, w.size = f, info.Size()
	return nil
}

// Stream returns a writer of one of the streams. Its Close ends a last line
// that has no end; the log stays open for the other stream.
func (w *Writer) Stream(name string) io.WriteCloser { return &stream{log: w, name: name} }

// Close closes the file.
func (w *Writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.file.Close()
}

// write appends one whole line, and turns the log first if it is full.
func (w *Writer) write(line []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.size > 0 && w.size+int64(len(line)) > w.max {
		if err := w.turn(); err != nil {
			return err
		}
	}
	n, err := w.file.Write(line)
	w.size += int64(n)
	return err
}

func (w *Writer) turn() error {
	w.file.Close()
	if err := Turn(w.path, w.files); err != nil {
		return err
	}
	return w.open()
}

// Turn makes room at path for a new file of the log: its file is PATH.1 after
// it, and so on, and the oldest of files files is gone.
func Turn(path string, files int) error {
	for i := files - 1; i > 1; i-- {
		// The older ones may not exist yet.
		_ = os.Rename(numbered(path, i-1), numbered(path, i))
	}
	var err error
	if files > 1 {
		err = os.Rename(path, numbered(path, 1))
	} else {
		err = os.Remove(path)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("turning a container's log: %w", err)
	}
	return nil
}

func numbered(path string, n int) string { return fmt.Sprintf("%s.%d", path, n) }

// stream cuts what a container writes into lines.
type stream struct {
	log  *Writer
	name string
	rest []byte
}

func (s *stream) Write(p []byte) (int, error) {
	s.rest = append(s.rest, p...)
	for {
		end, tag := bytes.IndexByte(s.rest, '\n'), 'F'
		text := s.rest[:max(end, 0)]
		switch {
		case end > longest || end < 0 && len(s.rest) >= longest:
			text, tag = s.rest[:longest], 'P'
			end = longest - 1
		case end < 0:
			return len(p), nil
		}
		if err := s.log.write(format(time.Now(), s.name, tag, text)); err != nil {
			return 0, err
		}
		s.rest = append(s.rest[:0], s.rest[end+1:]...)
	}
}

func (s *stream) Close() error {
	if len(s.rest) == 0 {
		return nil
	}
	text := s.rest
	s.rest = nil
	return s.log.write(format(time.Now(), s.name, 'P', text))
}

// format is a line of the log.
func format(at time.Time, stream string, tag rune, text []byte) []byte {
	line := make([]byte, 0, len(text)+48)
	line = at.AppendFormat(line, time.RFC3339Nano)
	line = fmt.Appendf(line, " %s %c ", stream, tag)
	line = append(line, text...)
	return append(line, '\n')
}
