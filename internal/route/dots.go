package route

import "strings"

// resolveDots resolves the segments "." and ".." of an escaped path, also
// where their dots are written %2e, and leaves every other byte alone. What
// would climb above the root stays at the root, so that a path behind the
// prefix never leaves it (RFC 3986, section 5.2.4).
func resolveDots(path string) string {
	if !hasDots(path) {
		return path
	}
	out := make([]byte, 0, len(path))
	for rest := path; rest != ""; {
		segment := rest
		if i := strings.IndexByte(rest[1:], '/'); i >= 0 {
			segment = rest[:i+1]
		}
		rest = rest[len(segment):]
		switch dots(segment[1:]) {
		case 0:
			out = append(out, segment...)
			continue
		case 2:
			out = out[:max(0, strings.LastIndexByte(string(out), '/'))]
		}
		if rest == "" { // "/a/." and "/a/b/.." name a directory
			out = append(out, '/')
		}
	}
	return string(out)
}

// hasDots reports whether any segment of path is a dot segment.
func hasDots(path string) bool {
	for rest := path; rest != ""; {
		segment := rest[1:]
		rest = ""
		if i := strings.IndexByte(segment, '/'); i >= 0 {
			segment, rest = segment[:i], segment[i:]
		}
		if dots(segment) > 0 {
			return true
		}
	}
	return false
}

// dots returns 1 for a segment that means ".", 2 for "..", else 0.
func dots(segment string) int {
	n := 0
	for segment != "" {
		switch {
		case segment[0] == '.':
			segment = segment[1:]
		case len(segment) >= 3 && segment[0] == '%' && segment[1] == '2' && segment[2]|0x20 == 'e':
			segment = segment[3:]
		default:
			return 0
		}
		if n++; n > 2 {
			return 0
		}
	}
	return n
}
