package h1

import (
	"net/http"
	"net/textproto"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// statusLines are those of the known codes.
var statusLines = func() (lines [600]string) {
	for code := range lines {
		if text := http.StatusText(code); text != "" {
			lines[code] = "HTTP/1.1 " + strconv.Itoa(code) + " " + text + "\r\n"
		}
	}
	return lines
}()

func appendStatus(b []byte, code int) []byte {
	if code < len(statusLines) && statusLines[code] != "" {
		return append(b, statusLines[code]...)
	}
	text := strconv.Itoa(code)
	return append(b, "HTTP/1.1 "+text+" status code "+text+"\r\n"...)
}

// names are the header's, sorted, in the array given if they fit.
func names(h http.Header, into []string) []string {
	for name := range h {
		into = append(into, name)
	}
	slices.Sort(into)
	return into
}

func appendField(b []byte, name string, values []string) []byte {
	if !httpguts.ValidHeaderFieldName(name) {
		return b // as net/http: nothing can be said of such a name
	}
	for _, value := range values {
		b = append(append(b, name...), ": "...)
		b = append(appendValue(b, value), "\r\n"...)
	}
	return b
}

// appendValue writes a value; a line break in it is a space.
func appendValue(b []byte, value string) []byte {
	value = textproto.TrimString(value)
	if strings.IndexByte(value, '\n') < 0 && strings.IndexByte(value, '\r') < 0 {
		return append(b, value...)
	}
	for i := range len(value) {
		c := value[i]
		if c == '\n' || c == '\r' {
			c = ' '
		}
		b = append(b, c)
	}
	return b
}

// appendPlain writes the fields of a head that has no body.
func (w *response) appendPlain(b []byte) []byte {
	var room [16]string
	for _, name := range names(w.header, room[:0]) {
		if name != "Content-Length" && name != "Transfer-Encoding" {
			b = appendField(b, name, w.header[name])
		}
	}
	return b
}

// appendFields writes the handler's fields, but those that conclude writes, and
// takes note of what they say.
func (w *response) appendFields(b []byte) []byte {
	var room [16]string
	for _, name := range names(w.header, room[:0]) {
		values := w.header[name]
		if w.notes(name, values) {
			b = appendField(b, name, values)
		}
	}
	return b
}

// notes takes note of a field, and reports whether it is to be written now.
func (w *response) notes(name string, values []string) bool {
	switch name {
	case "Content-Type":
		w.said.kind = true
		return w.status != http.StatusNotModified
	case "Content-Encoding":
		w.said.coding = first(values) != ""
	case "Date":
		w.said.date = true
	case "Content-Length":
		w.said.length = true
		te := first(w.header["Transfer-Encoding"])
		return mayHaveBody(w.status) && (te == "" || te == "identity") // or it means nothing
	case "Transfer-Encoding":
		w.said.transfer = first(values)
		return false
	case "Connection":
		w.said.connection = values
		return false
	case "Trailer":
		w.said.trailers = true
		for _, value := range values {
			w.announce(value)
		}
	default:
		if strings.HasPrefix(name, http.TrailerPrefix) {
			w.said.trailers = true
			return false
		}
	}
	return true
}

// announce takes note of the names of a Trailer field.
func (w *response) announce(list string) {
	for name := range strings.SplitSeq(list, ",") {
		name = http.CanonicalHeaderKey(textproto.TrimString(name))
		if name != "" && httpguts.ValidTrailerHeader(name) {
			w.trailers = append(w.trailers, name)
		}
	}
}

// appendTrailers writes the trailers that the handler has set.
func (w *response) appendTrailers(b []byte) []byte {
	var t http.Header
	set := func(name string, values []string) {
		if t == nil {
			t = make(http.Header)
		}
		t[name] = append(t[name], values...)
	}
	for name, values := range w.header {
		if name, found := strings.CutPrefix(name, http.TrailerPrefix); found {
			set(name, values)
		}
	}
	for _, name := range w.trailers {
		set(name, w.header[name])
	}
	var room [8]string
	for _, name := range names(t, room[:0]) {
		b = appendField(b, name, t[name])
	}
	return b
}

// conclude ends the head: it decides how the body is delimited and whether the
// connection goes on. The sample is the body's beginning; final says that it is
// all of it.
func (w *response) conclude(sample []byte, final bool) {
	w.complete = true
	c := w.c
	b := c.out
	if final && !w.said.length && !w.said.trailers && w.said.transfer == "" && mayHaveBody(w.status) &&
		(w.x.request.Method != http.MethodHead || len(sample) > 0) {
		w.declared = int64(len(sample))
		w.written = w.declared
	}
	w.closing = w.closing || first(w.said.connection) == "close" || c.server.closing.Load()
	if w.x.request.ContentLength != 0 && !w.closing && !w.fullDuplex {
		w.closing = !w.x.body.drain()
	}
	if !w.said.date {
		b = append(append(append(b, "Date: "...), c.server.dateNow()...), "\r\n"...)
	}
	if w.declared >= 0 && !w.said.length {
		b = append(strconv.AppendInt(append(b, "Content-Length: "...), w.declared, 10), "\r\n"...)
	}
	if mayHaveBody(w.status) && !w.said.kind && !w.said.coding && w.said.transfer == "" && len(sample) > 0 {
		b = append(append(append(b, "Content-Type: "...), http.DetectContentType(sample)...), "\r\n"...)
	}
	chunking := w.delimit()
	b = w.appendConnection(b)
	if chunking != "" {
		b = append(append(append(b, "Transfer-Encoding: "...), chunking...), "\r\n"...)
	}
	c.out = append(b, "\r\n"...)
}

// delimit decides where the body ends, and returns the Transfer-Encoding that
// says so; empty for none.
func (w *response) delimit() string {
	te := w.said.transfer
	if te != "" && te != "identity" && w.declared >= 0 {
		w.c.server.logf("http: WriteHeader called with both Transfer-Encoding of %q and a Content-Length of %d", te, w.declared)
		w.declared = -1
	}
	switch {
	case w.bodiless(), w.declared >= 0:
		return ""
	case te == "identity":
		w.closing = true // only the end of the connection ends it
		return ""
	}
	w.chunked = true
	return "chunked"
}

// appendConnection writes what is said of the connection.
func (w *response) appendConnection(b []byte) []byte {
	named := httpguts.HeaderValuesContainsToken(w.said.connection, "close")
	if w.closing && !named && w.status != http.StatusSwitchingProtocols {
		return append(b, "Connection: close\r\n"...)
	}
	return appendField(b, "Connection", w.said.connection)
}

// mostDrained is how much of a body that nobody reads the server reads, so that
// the connection can go on. Some clients send all of it before they read the
// answer, and the next request is behind it.
const mostDrained = 256 << 10
