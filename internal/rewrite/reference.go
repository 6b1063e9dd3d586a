package rewrite

import (
	"html"
	"strings"
)

// unescape resolves the character references of an attribute's value.
func unescape(raw string) string {
	if strings.IndexByte(raw, '&') < 0 {
		return raw
	}
	var b strings.Builder
	for raw != "" {
		text, n := character(raw)
		b.WriteString(text)
		raw = raw[n:]
	}
	return b.String()
}

// character returns what the beginning of raw stands for, and its length: a
// character reference, or a byte. Names that do without their semicolon are
// left alone: in attributes they mostly mean nothing, and none of them is part
// of what leads a URL.
func character(raw string) (text string, n int) {
	if raw[0] != '&' {
		return raw[:1], 1
	}
	if strings.HasPrefix(raw, "&#") {
		n = numberLen(raw)
	} else {
		n = nameLen(raw)
	}
	if n == 0 {
		return "&", 1
	}
	// With its semicolon, since the library does not know "&#9" without.
	text = html.UnescapeString(strings.TrimSuffix(raw[:n], ";") + ";")
	if strings.HasPrefix(text, "&#") || strings.HasSuffix(text, ";") && text != ";" {
		return "&", 1 // no such name
	}
	return text, n
}

// numberLen returns the length of "&#47;" or "&#x2f;", with or without its
// semicolon, at the beginning of raw; 0 if it is none.
func numberLen(raw string) int {
	n, hex := len("&#"), false
	if n < len(raw) && raw[n]|0x20 == 'x' {
		n, hex = n+1, true
	}
	digits := n
	for n < len(raw) && (digit(raw[n]) || hex && 'a' <= raw[n]|0x20 && raw[n]|0x20 <= 'f') {
		n++
	}
	if n == digits {
		return 0
	}
	if n < len(raw) && raw[n] == ';' {
		n++
	}
	return n
}

// nameLen returns the length of "&amp;" at the beginning of raw; 0 if there is
// no name with its semicolon.
func nameLen(raw string) int {
	const longest = 40 // the longest there is has 33
	n := 1
	for n < len(raw) && n < longest && (letter(raw[n]) || digit(raw[n])) {
		n++
	}
	if n == 1 || n == len(raw) || raw[n] != ';' {
		return 0
	}
	return n + 1
}

// letter reports whether c may begin the name of a tag.
func letter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func digit(c byte) bool { return '0' <= c && c <= '9' }
