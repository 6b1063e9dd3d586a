package h1

import (
	"bytes"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
)

// headEnd returns where the head in b ends, after its empty line, or 0 if more
// is needed; and from where on to look again. It is not ok if a line does not
// end in CRLF, or the first one is empty.
func headEnd(b []byte, from int) (end, next int, ok bool) {
	for {
		i := bytes.IndexByte(b[from:], '\n')
		if i < 0 {
			return 0, from, true
		}
		if i == 0 || b[from+i-1] != '\r' || from == 0 && i == 1 {
			return 0, from, false
		}
		if from += i + 1; i == 1 {
			return from, from, true
		}
	}
}

// The kinds of bytes.
const (
	inName   = 1 << iota // of a field's name (RFC 9110, section 5.6.2)
	inValue              // of a field's value, as far as it is ASCII
	inTarget             // of a request target
	inPath               // of a path that means the same escaped and unescaped
	inHost               // of a host with its port
)

// kinds says where a byte may stand.
var kinds = func() (t [256]byte) {
	const alnum = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	mark := func(kind byte, bytes string) {
		for i := range len(bytes) {
			t[bytes[i]] |= kind
		}
	}
	mark(inName, alnum+"!#$%&'*+-.^_`|~")
	mark(inPath, alnum+"-_.~/$&+,:;=@")
	mark(inHost, alnum+"-._:[]")
	mark(inValue, " \t")
	for c := byte('!'); c <= '~'; c++ {
		t[c] |= inValue
		if c != '#' {
			t[c] |= inTarget
		}
	}
	return t
}()

// all reports whether all bytes of s are of a kind.
func all(s string, kind byte) bool {
	for i := range len(s) {
		if kinds[s[i]]&kind == 0 {
			return false
		}
	}
	return true
}

const version = " HTTP/1.1"

// parse reads a head, which is whole and has no line without CRLF, into the
// request. It reports whether the head is plain; the request is of no use if
// it is not. What it accepts, net/http accepts as the same.
func (x *exchange) parse(head string) bool {
	line, rest, _ := strings.Cut(head, "\r\n")
	line, ok := strings.CutSuffix(line, version)
	if !ok {
		return false
	}
	method, target, ok := strings.Cut(line, " ")
	if !ok || !known(method) || !x.target(target) {
		return false
	}
	r := &x.request
	r.Method, r.RequestURI = method, target
	r.Header = make(http.Header)
	return x.fields(rest) && x.concludes()
}

// known reports whether a method is one of those that are served here.
func known(method string) bool {
	switch method {
	case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS":
		return true
	}
	return false
}

// target reads a request target in origin form.
func (x *exchange) target(target string) bool {
	if target == "" || target[0] != '/' || !all(target, inTarget) {
		return false
	}
	x.request.URL = &x.url
	path, query, asked := strings.Cut(target, "?")
	if all(path, inPath) && (query != "" || !asked) {
		x.url = url.URL{Path: path, RawQuery: query}
		return true
	}
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return false
	}
	x.url = *u
	return true
}

// fields reads the field lines of a head and the empty line after them.
func (x *exchange) fields(rest string) bool {
	values := x.values[:]
	for {
		line, more, ok := strings.Cut(rest, "\r\n")
		if !ok || line == "" {
			return ok && more == ""
		}
		rest = more
		colon := strings.IndexByte(line, ':')
		if colon <= 0 {
			return false
		}
		name, canonical := nameOf(line[:colon])
		value := strings.Trim(line[colon+1:], " \t")
		if !canonical || !all(value, inValue) || !x.field(name, value) {
			return false
		}
		if len(values) == 0 {
			values = make([]string, len(x.values))
		}
		values[0] = value
		if before, given := x.request.Header[name]; given {
			x.request.Header[name] = append(before, value)
		} else {
			x.request.Header[name] = values[:1:1]
			values = values[1:]
		}
	}
}

// nameOf returns a field's name in the canonical form, and whether it is one.
func nameOf(name string) (string, bool) {
	upper := true
	as := true
	for i := range len(name) {
		c := name[i]
		if kinds[c]&inName == 0 {
			return "", false
		}
		if upper && 'a' <= c && c <= 'z' || !upper && 'A' <= c && c <= 'Z' {
			as = false
		}
		upper = c == '-'
	}
	if as {
		return name, true
	}
	return textproto.CanonicalMIMEHeaderKey(name), true
}

// field takes note of a field that concerns the message or the connection. It
// returns false for those that are for others to judge.
func (x *exchange) field(name, value string) bool {
	switch name {
	case "Host":
		if x.request.Host != "" || value == "" || !all(value, inHost) {
			return false
		}
		x.request.Host = value
	case "Content-Length":
		return x.length(value)
	case "Connection":
		if _, twice := x.request.Header[name]; twice {
			return false
		}
		if strings.EqualFold(value, "close") {
			x.request.Close = true
			return true
		}
		return strings.EqualFold(value, "keep-alive")
	case "Transfer-Encoding", "Upgrade", "Expect", "Te", "Trailer", "Http2-Settings":
		return false
	}
	return true
}

// lengthDigits is how many digits a length may have here.
const lengthDigits = 15

// length reads a Content-Length.
func (x *exchange) length(value string) bool {
	if x.hasLength || value == "" || len(value) > lengthDigits {
		return false
	}
	x.hasLength = true
	n := int64(0)
	for i := range len(value) {
		if value[i] < '0' || value[i] > '9' {
			return false
		}
		n = 10*n + int64(value[i]-'0')
	}
	x.request.ContentLength = n
	return true
}

// concludes does what is left once all fields are known.
func (x *exchange) concludes() bool {
	h := x.request.Header
	if x.request.Host == "" {
		return false
	}
	delete(h, "Host")
	if pragma := h["Pragma"]; len(pragma) > 0 && pragma[0] == "no-cache" && h["Cache-Control"] == nil {
		h["Cache-Control"] = []string{"no-cache"} // RFC 9111, section 5.4, as net/http has it
	}
	return true
}
