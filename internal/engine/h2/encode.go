package h2

import (
	"golang.org/x/net/http/httpguts"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// beginBlock makes room for the head of a frame, and returns where. c.mu is
// held, here and below.
func (c *conn) beginBlock() int {
	c.out = append(c.out, make([]byte, headLen)...)
	return len(c.out)
}

// encodeField encodes a field that a handler has set, unless it has no place
// in HTTP/2.
func (c *conn) encodeField(name, value string) {
	switch name {
	case "Connection", "Proxy-Connection", "Keep-Alive", "Upgrade":
		return
	case "Transfer-Encoding":
		if value != "trailers" {
			return
		}
	}
	if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
		return
	}
	c.encode(c.wire.lower(name), value, unlike(name))
}

// unlike reports whether the field is another in each answer, so that the table
// of HPACK would be filled in vain, or a secret (RFC 7541, section 7.1.3).
func unlike(name string) bool {
	switch name {
	case "Audit-Id", "Location", "Set-Cookie", "Traceparent", "X-Request-Id":
		return true
	default:
		return false
	}
}

func (c *conn) encode(name, value string, unlike bool) {
	_ = c.hpack.WriteField(hpack.HeaderField{Name: name, Value: value, Sensitive: unlike}) // blockWriter never fails
}

// endBlock puts the head before a block, or, if it is too long for a frame,
// several.
func (c *conn) endBlock(begin int, stream uint32, end bool) {
	flags := http2.Flags(0)
	if end {
		flags = http2.FlagHeadersEndStream
	}
	n := len(c.out) - begin
	if n <= frameSize {
		appendHead(c.out[:begin-headLen], n, http2.FrameHeaders, flags|http2.FlagHeadersEndHeaders, stream)
		return
	}
	rest := append([]byte(nil), c.out[begin+frameSize:]...)
	appendHead(c.out[:begin-headLen], frameSize, http2.FrameHeaders, flags, stream)
	c.out = c.out[:begin+frameSize]
	for len(rest) > 0 {
		part, last := rest[:min(len(rest), frameSize)], http2.Flags(0)
		if rest = rest[len(part):]; len(rest) == 0 {
			last = http2.FlagContinuationEndHeaders
		}
		c.out = appendHead(c.out, len(part), http2.FrameContinuation, last, stream)
		c.out = append(c.out, part...)
	}
}
