package route

import (
	"strconv"
	"strings"
)

// split reads scheme, name and port from the segment. The forms are name,
// name:port, name:, scheme:name:, scheme:name:port and :name:port.
func (t *Target) split() bool {
	first, rest, colons := strings.Cut(t.Segment, ":")
	second, third, two := strings.Cut(rest, ":")
	switch {
	case !colons:
		t.Name = first
	case !two:
		t.Name, t.Port = first, second
	case strings.IndexByte(third, ':') < 0:
		t.Scheme, t.Name, t.Port = first, second, third
	default:
		return false
	}
	switch t.Scheme {
	case "", SchemeHTTP, SchemeHTTPS:
	default:
		return false
	}
	return plain(t.Name) && (t.Port == "" || plain(t.Port))
}

// plain reports whether s can be a name at all: not empty, and free of what
// would mean something in a path.
func plain(s string) bool {
	if s == "" || s == "." || s == ".." {
		return false
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] == '/' || s[i] == '%' || s[i] == 0x7f {
			return false
		}
	}
	return true
}

func quote(s string) string { return strconv.Quote(s) }

func portString(port uint16) string { return strconv.Itoa(int(port)) }
