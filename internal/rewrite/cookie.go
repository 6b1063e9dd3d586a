package rewrite

import (
	"net/http"
	"strings"
)

// dropCookie removes one cookie from a request and leaves the bytes of the
// others alone. Its name is read as net/http reads it for authenticators.
func dropCookie(h http.Header, name string) {
	lines := h["Cookie"]
	kept := lines[:0]
	for _, line := range lines {
		if strings.Contains(line, name) {
			line = withoutCookie(line, name)
		}
		if line != "" {
			kept = append(kept, line)
		}
	}
	if len(kept) == 0 {
		delete(h, "Cookie")
		return
	}
	h["Cookie"] = kept
}

// blank is what net/http takes away around cookies.
const blank = " \t\r\n"

// withoutCookie returns a Cookie line without the pairs of a name.
func withoutCookie(line, name string) string {
	var others []string
	found := false
	for pair := range strings.SplitSeq(line, ";") {
		key, _, _ := strings.Cut(pair, "=")
		if strings.Trim(key, blank) == name {
			found = true
		} else if pair = strings.Trim(pair, blank); pair != "" {
			others = append(others, pair)
		}
	}
	if !found {
		return line
	}
	return strings.Join(others, "; ")
}

// cookie confines a cookie to the application: its path gets the prefix, and
// it goes to no other host, so that two applications behind one gateway do not
// see each other's. Everything else of the line stays as it is.
//
// A name that begins with "__Host-" asks for the path "/" and browsers refuse
// it with any other (RFC 6265bis, section 4.1.3.2). It is confined all the
// same: let through, it would go to every application behind the gateway and
// to the API. An application that insists on it does not get it, and needs a
// host name of its own.
func (r *Rules) cookie(line string) string {
	if r.Root {
		return r.rootCookie(line)
	}
	return confine(line, r.below(cookiePath(line)))
}

// confine returns a cookie's line with this path and for one host alone. An
// empty path is left out.
func confine(line, path string) string {
	var b strings.Builder
	b.Grow(len(line) + len("; Path=") + len(path))
	pair, rest, more := strings.Cut(line, ";")
	b.WriteString(pair)
	written := false
	for more {
		var attribute string
		attribute, rest, more = strings.Cut(rest, ";")
		name, _, _ := strings.Cut(attribute, "=")
		switch name = strings.TrimSpace(name); {
		case strings.EqualFold(name, "domain"):
		case !strings.EqualFold(name, "path"):
			b.WriteByte(';')
			b.WriteString(attribute)
		case !written && path != "":
			b.WriteString("; Path=")
			b.WriteString(path)
			written = true
		}
	}
	if !written && path != "" {
		b.WriteString("; Path=")
		b.WriteString(path)
	}
	return b.String()
}

// cookiePath returns the path of a cookie: the last one counts, and one that
// is no path is none (RFC 6265, sections 5.2.4 and 5.3).
func cookiePath(line string) string {
	path := "/"
	_, rest, more := strings.Cut(line, ";")
	for more {
		var attribute string
		attribute, rest, more = strings.Cut(rest, ";")
		name, value, _ := strings.Cut(attribute, "=")
		if !strings.EqualFold(strings.TrimSpace(name), "path") {
			continue
		}
		if path = strings.TrimSpace(value); !strings.HasPrefix(path, "/") {
			path = "/"
		}
	}
	return path
}

// below returns a path below the prefix. It may be there already.
func (r *Rules) below(path string) string {
	if rest, ok := strings.CutPrefix(path, r.Prefix); ok && (rest == "" || rest[0] == '/') {
		return path
	}
	return r.Prefix + path
}
