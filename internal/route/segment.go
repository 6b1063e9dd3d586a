package route

import (
	"strconv"
	"strings"
)

// split reads scheme, name and port from the segment. The forms are name,
// name:port, name:, scheme:name:, scheme:name:port and :name:port.
func (t *Target) split() bool {
	parts := strings.SplitN(t.Segment, ":", 4)
	switch len(parts) {
	case 1:
		t.Name = parts[0]
	case 2:
		t.Name, t.Port = parts[0], parts[1]
	case 3:
		t.Scheme, t.Name, t.Port = parts[0], parts[1], parts[2]
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
