package tunnel

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
)

// A record is the length of what follows, two bytes, and that. An empty one is
// the end.
const (
	recordHead = 2
	recordSize = 32 << 10
)

var records = sync.Pool{New: func() any { b := make([]byte, recordHead+recordSize); return &b }}

// errCut is of a stream that ended without saying so.
var errCut = errors.New("the connection through the tunnel was cut")

// sourceError is of what records are made of, not of where they go.
type sourceError struct{ error }

func (e sourceError) Unwrap() error { return e.error }

// writeRecords copies src to w until src ends, and says so. Errors of src are
// a sourceError.
func writeRecords(w http.ResponseWriter, src io.Reader) error {
	buffer := records.Get().(*[]byte)
	defer records.Put(buffer)
	flush := http.NewResponseController(w).Flush
	for {
		n, err := src.Read((*buffer)[recordHead:])
		if n == 0 && err == nil {
			continue
		}
		if n > 0 || err == io.EOF { //nolint:errorlint // io.Reader's own
			binary.BigEndian.PutUint16(*buffer, uint16(n))
			if _, err := w.Write((*buffer)[:recordHead+n]); err != nil {
				return err
			}
			if err := flush(); err != nil {
				return err
			}
		}
		switch {
		case err == io.EOF && n > 0: //nolint:errorlint // io.Reader's own
			continue // it says so once more
		case err == io.EOF: //nolint:errorlint // io.Reader's own
			return nil
		case err != nil:
			return sourceError{err}
		}
	}
}

// readRecords copies what writeRecords wrote to dst, up to the end. The error
// is nil only if that was said.
func readRecords(dst io.Writer, src io.Reader) error {
	var head [recordHead]byte
	for {
		if _, err := io.ReadFull(src, head[:]); err != nil {
			return fmt.Errorf("%w: %w", errCut, err)
		}
		size := int(binary.BigEndian.Uint16(head[:]))
		switch {
		case size == 0:
			return nil
		case size > recordSize:
			return fmt.Errorf("a record of %d bytes in a tunnel: at most %d", size, recordSize)
		}
		if err := copyRecord(dst, src, size); err != nil {
			return err
		}
	}
}

// copyRecord has memory for what has come, and none while nothing does.
func copyRecord(dst io.Writer, src io.Reader, size int) error {
	buffer := records.Get().(*[]byte)
	defer records.Put(buffer)
	for size > 0 {
		n, err := src.Read((*buffer)[:size])
		if n > 0 {
			if _, werr := dst.Write((*buffer)[:n]); werr != nil {
				return werr
			}
			size -= n
		}
		if err != nil && size > 0 {
			return fmt.Errorf("%w: %w", errCut, err)
		}
	}
	return nil
}
