package transport

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"
)

const (
	// maxHead bounds the head of a response, those of 1xx before it included.
	maxHead = 256 << 10
	// maxFields bounds the fields of a head.
	maxFields = 1000
	// longKept is how long a backend may say that it keeps a connection, in
	// seconds: longer than anybody asks.
	longKept = 1 << 20
)

// Field is one field of a head. Its name is in the canonical form.
type Field struct{ Name, Value string }

// how a body is delimited.
const (
	bodyNone = iota
	bodyLength
	bodyChunked
	bodyUntilClose
)

// head is what a response's head says about its message.
type head struct {
	status  int
	length  int64 // of the Content-Length field; -1 without
	body    int
	closing bool // the connection is not to be used again
	// keepFor is what a Keep-Alive field grants, in seconds; 0 if it is silent.
	keepFor int64
	fields  []Field
	trailer http.Header // the announced names
}

var (
	errLineFeed = errors.New("malformed response: a line does not end in CRLF")
	errTooLong  = fmt.Errorf("malformed response: a head of more than %d bytes", maxHead)
)

// headEnd returns where the head in b ends, after its empty line, or 0 if more
// is needed. Lines before from are known to be none.
func headEnd(b []byte, from int) (end, next int, err error) {
	for {
		i := bytes.IndexByte(b[from:], '\n')
		if i < 0 {
			return 0, from, nil
		}
		if i == 0 || b[from+i-1] != '\r' {
			return 0, from, errLineFeed
		}
		if from += i + 1; i == 1 {
			return from, from, nil
		}
	}
}

// parseHead reads a head, which ends in an empty line. It is as strict as the
// grammar where leniency would let the two sides of the gateway see different
// messages (RFC 9112, sections 5.1, 5.2, 6.3 and 11.2). The fields are appended
// to into, and are parts of the one string text.
func parseHead(text, method string, into []Field) (head, error) {
	h := head{length: -1, fields: into}
	line, rest, _ := strings.Cut(text, "\r\n")
	minor, err := h.statusLine(line)
	if err != nil {
		return h, err
	}
	h.closing = minor == 0
	chunked := false
	for {
		if line, rest, _ = strings.Cut(rest, "\r\n"); line == "" {
			break
		}
		colon := strings.IndexByte(line, ':')
		if colon < 0 || !httpguts.ValidHeaderFieldName(line[:colon]) || !httpguts.ValidHeaderFieldValue(line[colon+1:]) {
			return h, fmt.Errorf("malformed response: header line %.100q", line)
		}
		name, value := textproto.CanonicalMIMEHeaderKey(line[:colon]), textproto.TrimString(line[colon+1:])
		keep, err := h.field(name, value, minor, &chunked)
		if err != nil {
			return h, err
		}
		if keep {
			h.fields = append(h.fields, Field{name, value})
		}
		if len(h.fields) > maxFields {
			return h, fmt.Errorf("malformed response: more than %d header fields", maxFields)
		}
	}
	return h, h.delimit(method, chunked)
}

// statusLine reads "HTTP/1.1 200 OK", of which the last part may be missing.
func (h *head) statusLine(line string) (minor int, err error) {
	bad := func() (int, error) { return 0, fmt.Errorf("malformed response: status line %.100q", line) }
	rest, ok := strings.CutPrefix(line, "HTTP/1.")
	if !ok || len(rest) < 5 || rest[0] != '0' && rest[0] != '1' || rest[1] != ' ' || len(rest) > 5 && rest[5] != ' ' || !httpguts.ValidHeaderFieldValue(rest) {
		return bad()
	}
	status, err := strconv.ParseUint(rest[2:5], 10, 16)
	if err != nil || status < 100 {
		return bad()
	}
	h.status = int(status)
	return int(rest[0] - '0'), nil
}

// field takes note of the fields that concern the connection and the framing,
// and reports whether it is to be passed on.
func (h *head) field(name, value string, minor int, chunked *bool) (keep bool, err error) {
	switch name {
	case "Content-Length":
		n, err := strconv.ParseUint(value, 10, 63)
		if err != nil || h.length >= 0 && h.length != int64(n) {
			return false, fmt.Errorf("malformed response: Content-Length %.100q", value)
		}
		keep = h.length < 0
		h.length = int64(n)
		return keep, nil
	case "Transfer-Encoding":
		if *chunked || minor == 0 || !strings.EqualFold(value, "chunked") {
			return false, fmt.Errorf("malformed response: Transfer-Encoding %.100q", value)
		}
		*chunked = true
		return false, nil
	case "Trailer":
		h.announce(value)
		return false, nil
	case "Connection":
		return h.connection(value), nil
	case "Keep-Alive":
		h.keepAlive(value)
		return false, nil
	}
	return true, nil
}

// connection reads a Connection field. It is passed on, to whoever removes the
// fields that it names, only if it names any.
func (h *head) connection(value string) (names bool) {
	for token := range strings.SplitSeq(value, ",") {
		switch token = textproto.TrimString(token); {
		case strings.EqualFold(token, "close"):
			h.closing = true
		case !strings.EqualFold(token, "keep-alive"):
			names = true
		}
	}
	return names
}

// keepAlive reads how long the backend keeps the connection.
func (h *head) keepAlive(value string) {
	for token := range strings.SplitSeq(value, ",") {
		text, ok := strings.CutPrefix(textproto.TrimString(token), "timeout=")
		if !ok {
			continue
		}
		n, err := strconv.ParseUint(text, 10, 63)
		if err != nil || n == 0 {
			h.closing = true
		}
		h.keepFor = int64(min(n, longKept))
	}
}

// announce takes note of the names of a Trailer field.
func (h *head) announce(names string) {
	for name := range strings.SplitSeq(names, ",") {
		if name = textproto.CanonicalMIMEHeaderKey(textproto.TrimString(name)); !mayTrail(name) {
			continue
		}
		if h.trailer == nil {
			h.trailer = make(http.Header)
		}
		h.trailer[name] = nil
	}
}

// delimit decides where the body ends (RFC 9112, section 6.3).
func (h *head) delimit(method string, chunked bool) error {
	switch {
	case chunked && h.length >= 0:
		return errors.New("malformed response: both Content-Length and Transfer-Encoding")
	case h.status < 200 || h.status == http.StatusNoContent || h.status == http.StatusNotModified:
		// What such a response says about a body must not be believed, nor that
		// none comes.
		h.body = bodyNone
		if h.status != http.StatusNotModified && (chunked || h.length >= 0) {
			h.closing = true
			h.fields = slices.DeleteFunc(h.fields, func(f Field) bool { return f.Name == "Content-Length" })
		}
	case method == http.MethodHead:
		h.body = bodyNone
	case chunked:
		h.body = bodyChunked
	case h.length >= 0:
		h.body = bodyLength
	default:
		h.body, h.closing = bodyUntilClose, true
	}
	return nil
}

// mayTrail reports whether a field may stand in a trailer: not those that a
// recipient needs before the body (RFC 9110, section 6.5.1).
func mayTrail(name string) bool {
	switch name {
	case "Content-Length", "Transfer-Encoding", "Trailer", "Host", "Connection", "Content-Encoding", "Content-Type", "Content-Range",
		"Te", "Upgrade", "Set-Cookie", "Authorization", "Location":
		return false
	}
	return httpguts.ValidHeaderFieldName(name)
}
