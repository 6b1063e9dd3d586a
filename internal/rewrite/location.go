package rewrite

import "strings"

// URL rewrites one reference. Paths get the prefix; absolute URLs to the
// application's own host become such on the client's host with the prefix.
// What is relative, foreign, prefixed already or not to be understood is
// returned unchanged.
func (r *Rules) URL(ref string) string {
	from, to, head := r.lead(ref)
	if head == "" {
		return ref
	}
	return ref[:from] + head + ref[to:]
}

// lead says what leads a reference behind the prefix: the text head instead
// of the bytes from..to at its beginning. Without a head nothing changes. A
// reference is read as browsers read it (URL Standard, section 4.4): space
// around it means nothing, and "\" is as good as "/".
func (r *Rules) lead(ref string) (from, to int, head string) {
	for from < len(ref) && ref[from] <= ' ' && ref[from] != 0 { // HTML makes U+FFFD of a NUL
		from++
	}
	rest := strings.TrimRight(ref[from:], " \t\r\n\f")
	if r.Root {
		return r.leadToRoot(rest, from)
	}
	if rest != "" && slash(rest[0]) {
		skip := climb(rest)
		if protocolRelative(rest) || r.prefixed(rest[skip:]) {
			return 0, 0, ""
		}
		return from, from + skip, r.Prefix
	}
	scheme, host, ok := authority(rest)
	if !ok {
		return 0, 0, ""
	}
	client := sameHost(host, scheme, r.ClientHost)
	if !client && !sameHost(host, scheme, r.BackendHost) {
		return 0, 0, ""
	}
	start := len(scheme) + len("://") + len(host)
	path := rest[start:]
	skip := climb(path)
	origin := r.ClientProto + "://" + r.ClientHost
	switch {
	case r.prefixed(path[skip:]) && client:
		return 0, 0, ""
	case r.prefixed(path[skip:]):
		head = origin
	case path == "" || !slash(path[0]):
		head = origin + r.Prefix + "/"
	default:
		head = origin + r.Prefix
	}
	return from, from + start + skip, head
}

// protocolRelative reports whether a reference that begins with a slash goes
// to another host. Browsers do not see tabs and ends of lines in it.
func protocolRelative(ref string) bool {
	rest := strings.TrimLeft(ref[1:], "\t\r\n")
	return rest != "" && slash(rest[0])
}

// climb returns the length of leading segments that lead out of the root. They
// mean nothing there, but behind a prefix they would lead out of it.
func climb(path string) int {
	n := 0
	for {
		switch {
		case strings.HasPrefix(path[n:], "/../"):
			n += len("/..")
		case strings.HasPrefix(path[n:], "/./"):
			n += len("/.")
		default:
			return n
		}
	}
}

// authority returns scheme and host, with its port, of an absolute URL.
func authority(ref string) (scheme, host string, ok bool) {
	scheme, rest, ok := strings.Cut(ref, "://")
	if !ok || !strings.EqualFold(scheme, "http") && !strings.EqualFold(scheme, "https") {
		return "", "", false
	}
	if end := strings.IndexAny(rest, `/?#\`); end >= 0 {
		rest = rest[:end]
	}
	return scheme, rest, true
}

// prefixed reports whether a path is at or below the prefix.
func (r *Rules) prefixed(path string) bool {
	rest, ok := strings.CutPrefix(path, r.Prefix)
	return ok && (rest == "" || strings.IndexByte(`/?#\`, rest[0]) >= 0)
}

// foreign reports whether a reference goes to a host that is neither the
// client's nor the endpoint's.
func (r *Rules) foreign(ref string) bool {
	ref = strings.Trim(ref, " \t\r\n\f")
	if strings.HasPrefix(ref, "//") {
		ref = r.ClientProto + ":" + ref
	}
	scheme, host, ok := authority(ref)
	return ok && !sameHost(host, scheme, r.ClientHost) && !sameHost(host, scheme, r.BackendHost)
}

// sameHost compares the host of a URL with one of ours. A port that is the
// scheme's own may be missing on either side.
func sameHost(host, scheme, ours string) bool {
	port := ":80"
	if strings.EqualFold(scheme, "https") {
		port = ":443"
	}
	return host != "" && strings.EqualFold(strings.TrimSuffix(host, port), strings.TrimSuffix(ours, port))
}

func slash(c byte) bool { return c == '/' || c == '\\' }
