package transport

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"golang.org/x/net/http/httpguts"
)

// Request is one request as it is to stand on the wire.
type Request struct {
	// Method, Path and Query are sent byte for byte. Path begins with a slash.
	Method, Path, Query string
	// ForceQuery sends the question mark of a query that is empty.
	ForceQuery bool
	// Host is the value of the Host field.
	Host string
	// Header is written as it is, but for the fields that frame a message: they
	// are made from what follows. It is not changed.
	Header http.Header
	// Length is that of the body: 0 for none, -1 if nobody knows it yet.
	Length int64
	// Body is read, by another goroutine, if Length is not 0. It may still be
	// read after RoundTrip has returned an error or the response's end.
	Body io.Reader
	// Trailer has a key for each trailer field that will follow a body of
	// unknown length. Its values are read after the body's end.
	Trailer http.Header
	// Upgrade asks for a connection of its own and permits the answer 101;
	// Header holds the fields that say to what.
	Upgrade bool
	// Repeatable permits Abandon to end the exchange although the request may
	// have been received.
	Repeatable bool
	// Early is told of 1xx responses before RoundTrip returns; may be nil.
	Early Early
}

// Early receives the 1xx responses that come before the final one, 100
// included.
type Early interface {
	Inform(status int, header http.Header)
}

// expects reports whether the body is to wait for a 100 Continue.
func (r *Request) expects() bool {
	return r.Length != 0 && len(r.Header["Expect"]) > 0
}

// once reports whether the request cannot be sent again once it was begun: its
// body is read from the client, and its method does not say that twice is as
// good as once.
func (r *Request) once() bool { return r.Length != 0 && !Idempotent(r.Method) }

// appendHead appends the request's head. It fails if the head would be read as
// another than was meant, which nothing but a flaw before this can bring about.
func (r *Request) appendHead(b []byte) ([]byte, error) {
	b = append(b, r.Method...)
	b = append(b, ' ')
	b = append(b, r.Path...)
	if r.Query != "" || r.ForceQuery {
		b = append(b, '?')
		b = append(b, r.Query...)
	}
	if err := r.checkLine(b); err != nil {
		return b, err
	}
	b = append(b, " HTTP/1.1\r\nHost: "...)
	b = append(b, r.Host...)
	lines := 3
	for name, values := range r.Header {
		if framing(name) {
			continue
		}
		if !httpguts.ValidHeaderFieldName(name) {
			return b, fmt.Errorf("writing the request: %q is no field name", name)
		}
		for _, value := range values {
			if value == "" && name == "User-Agent" {
				continue // how "none" is said in a map
			}
			b = append(b, "\r\n"...)
			b = append(b, name...)
			b = append(b, ": "...)
			b = append(b, value...)
			lines++
		}
	}
	b, more := r.appendFraming(b)
	b = append(b, "\r\n\r\n"...)
	// Each line ends in the CRLF that was written here, and nowhere else is one.
	if lines += more; bytes.Count(b, []byte{'\n'}) != lines || bytes.Count(b, []byte{'\r'}) != lines || bytes.IndexByte(b, 0) >= 0 {
		return b, errors.New("writing the request: a header field holds a line break or a null byte")
	}
	return b, nil
}

// checkLine checks the request line as far as it is written. A space in the
// target would end it early.
func (r *Request) checkLine(line []byte) error {
	if !httpguts.ValidHeaderFieldName(r.Method) {
		return fmt.Errorf("writing the request: %q is no method", r.Method)
	}
	for _, c := range line[len(r.Method)+1:] {
		if c <= ' ' || c == 0x7f {
			return fmt.Errorf("writing the request: the target %q holds a space or a control character", line[len(r.Method)+1:])
		}
	}
	return nil
}

// appendFraming appends the fields that say how long the body is, and returns
// how many they are.
func (r *Request) appendFraming(b []byte) ([]byte, int) {
	switch {
	case r.Length > 0:
		b = append(b, "\r\nContent-Length: "...)
		return strconv.AppendInt(b, r.Length, 10), 1
	case r.Length < 0:
		b = append(b, "\r\nTransfer-Encoding: chunked"...)
		if len(r.Trailer) == 0 {
			return b, 1
		}
		sep := "\r\nTrailer: "
		for name := range r.Trailer {
			b = append(b, sep...)
			b = append(b, name...)
			sep = ", "
		}
		return b, 2
	}
	switch r.Method { // those that have a body as a rule say that there is none
	case http.MethodPost, http.MethodPut, http.MethodPatch:
		return append(b, "\r\nContent-Length: 0"...), 1
	}
	return b, 0
}

// framing reports whether a field frames a message, so that it is not for the
// caller to set.
func framing(name string) bool {
	switch name {
	case "Host", "Content-Length", "Transfer-Encoding", "Trailer":
		return true
	}
	return false
}

// Idempotent reports whether a method says that twice is as good as once (RFC
// 9110, section 9.2.2).
func Idempotent(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodPut, http.MethodDelete:
		return true
	}
	return false
}
