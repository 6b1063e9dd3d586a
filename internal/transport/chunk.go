package transport

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"strings"

	"golang.org/x/net/http/httpguts"
)

const (
	// maxChunkLine bounds the line with the size of a chunk, extensions included.
	maxChunkLine = 1 << 10
	// maxTrailer bounds the trailer.
	maxTrailer = 64 << 10
)

var errChunk = errors.New("malformed response: chunked coding")

// nextChunk reads up to the data of the next chunk. After the last one it reads
// the trailer and leaves left at zero.
func (r *Response) nextChunk(before func()) error {
	if r.inChunk {
		line, err := r.line(2, before)
		if err != nil {
			return err
		}
		if len(line) > 0 {
			return errChunk
		}
		r.inChunk = false
	}
	line, err := r.line(maxChunkLine, before)
	if err != nil {
		return err
	}
	if r.left, err = chunkSize(line); err != nil {
		return err
	}
	if r.left > 0 {
		r.inChunk = true
		return nil
	}
	return r.readTrailer(before)
}

// chunkSize reads the line before a chunk: hexadecimal digits, and extensions,
// which end here (RFC 9112, section 7.1.1). White space after the digits is
// what some servers pad them with.
func chunkSize(line []byte) (int64, error) {
	digits, ext := line, []byte(nil)
	if i := bytes.IndexAny(line, "; \t"); i >= 0 {
		digits, ext = line[:i], bytes.TrimLeft(line[i:], " \t")
	}
	if len(digits) == 0 || len(digits) > 15 || len(ext) > 0 && ext[0] != ';' || !httpguts.ValidHeaderFieldValue(string(ext)) {
		return 0, fmt.Errorf("%w: size line %.100q", errChunk, line)
	}
	var n int64
	for _, c := range digits {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, fmt.Errorf("%w: size line %.100q", errChunk, line)
		}
		n = n<<4 | int64(c)
	}
	return n, nil
}

// readTrailer reads the fields after the last chunk, up to the empty line.
func (r *Response) readTrailer(before func()) error {
	for spent := 0; ; {
		line, err := r.line(maxTrailer-spent, before)
		if err != nil || len(line) == 0 {
			return err
		}
		spent += len(line) + 2
		name, value, ok := strings.Cut(string(line), ":")
		if !ok || !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
			return fmt.Errorf("malformed response: trailer line %.100q", line)
		}
		if name = textproto.CanonicalMIMEHeaderKey(name); mayTrail(name) {
			if r.Trailer == nil {
				r.Trailer = make(http.Header)
			}
			r.Trailer[name] = append(r.Trailer[name], textproto.TrimString(value))
		}
	}
}

// line returns the next line, without its CRLF, of at most limit bytes with
// it. It is good until the next read.
func (r *Response) line(limit int, before func()) ([]byte, error) {
	c := r.c
	for from := 0; ; {
		if i := bytes.IndexByte(c.buf[c.r+from:c.w], '\n'); i >= 0 {
			line := c.buf[c.r : c.r+from+i]
			if len(line) == 0 || line[len(line)-1] != '\r' || len(line) >= limit {
				return nil, errChunk
			}
			c.r += len(line) + 1
			return line[:len(line)-1], nil
		}
		if from = c.w - c.r; from >= limit {
			return nil, errChunk
		}
		if err := r.wait(before); err != nil {
			return nil, err
		}
	}
}
