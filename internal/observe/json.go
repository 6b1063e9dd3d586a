package observe

import (
	"time"
	"unicode/utf8"
)

const hexDigits = "0123456789abcdef"

// plain are the bytes that stand for themselves in a JSON string.
var plain = func() (t [256]bool) {
	for c := range 256 {
		t[c] = c >= ' ' && c < utf8.RuneSelf && c != '"' && c != '\\' && c != 0x7f
	}
	return t
}()

// appendString appends s as a JSON string, in its quotes.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	b = appendText(b, s)
	return append(b, '"')
}

// appendText appends s as the inside of a JSON string. What is not UTF-8
// becomes U+FFFD; control characters are escaped, so that a line stays one
// line whatever a client sends and no terminal obeys it.
func appendText[T string | []byte](b []byte, s T) []byte {
	start := 0
	for i := 0; i < len(s); {
		if i+8 <= len(s) && plainEight(uint64(s[i])|uint64(s[i+1])<<8|uint64(s[i+2])<<16|uint64(s[i+3])<<24|
			uint64(s[i+4])<<32|uint64(s[i+5])<<40|uint64(s[i+6])<<48|uint64(s[i+7])<<56) {
			i += 8
			continue
		}
		c := s[i]
		if plain[c] {
			i++
			continue
		}
		b = append(b, s[start:i]...)
		size := 1
		if c < utf8.RuneSelf {
			b = appendEscaped(b, c)
		} else {
			b, size = appendRune(b, string(s[i:min(i+utf8.UTFMax, len(s))]))
		}
		i += size
		start = i
	}
	return append(b, s[start:]...)
}

// plainEight reports whether eight bytes all stand for themselves: in none of
// them may a sum or difference that tells the others set the highest bit. A
// carry can only make it say no where the answer is yes.
func plainEight(x uint64) bool {
	const each = 0x0101010101010101
	control := x - each*' '
	del := x + each // 0x7f, and together with x all above
	quote := x ^ each*'"' - each
	slash := x ^ each*'\\' - each
	return (x|control|del|quote|slash)&(each<<7) == 0
}

func appendEscaped(b []byte, c byte) []byte {
	if c == '"' || c == '\\' {
		return append(b, '\\', c)
	}
	return append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
}

// appendRune appends the first character of s and returns its size. The line
// separators that JavaScript knows and C1 controls are escaped.
func appendRune(b []byte, s string) ([]byte, int) {
	r, size := utf8.DecodeRuneInString(s)
	switch {
	case r == utf8.RuneError && size == 1:
		return append(b, "\ufffd"...), 1
	case r < 0xa0 || r == '\u2028' || r == '\u2029':
		return append(b, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15]), size
	default:
		return append(b, s[:size]...), size
	}
}

// clock remembers how the second was written that it was last asked for.
type clock struct {
	second int64
	text   [len(`"2006-01-02T15:04:05.`)]byte
}

// append appends t as RFC 3339 with microseconds, in UTC and in quotes, as the
// API writes a MicroTime.
func (c *clock) append(b []byte, t time.Time) []byte {
	if second := t.Unix(); second != c.second || c.text[0] == 0 {
		c.second = second
		t.UTC().AppendFormat(c.text[:0], `"2006-01-02T15:04:05.`)
	}
	b = append(b, c.text[:]...)
	b = appendDigits(b, t.Nanosecond()/1000, 6)
	return append(b, 'Z', '"')
}

// appendDigits appends the last width decimal digits of n.
func appendDigits(b []byte, n, width int) []byte {
	var digits [6]byte
	for i := width - 1; i >= 0; i-- {
		digits[i] = byte('0' + n%10)
		n /= 10
	}
	return append(b, digits[:width]...)
}

// redact is appendRedacted as a string.
func redact(query string) string { return string(appendRedacted(nil, query)) }

// appendRedacted appends a query with its question mark and without the values
// of its parameters, which may be secrets of the application or of the caller.
func appendRedacted(b []byte, query string) []byte {
	if query == "" {
		return b
	}
	b = append(b, '?')
	name := 0 // where the parameter's name begins
	for i := 0; i <= len(query); i++ {
		if i < len(query) && query[i] != '&' {
			continue
		}
		if name > 0 {
			b = append(b, '&')
		}
		pair := query[name:i]
		for j := range len(pair) { // a word alone may be as secret as a value
			if pair[j] == '=' {
				b = append(b, pair[:j]...)
				break
			}
		}
		b = append(b, "=..."...)
		name = i + 1
	}
	return b
}
