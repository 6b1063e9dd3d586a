package rewrite

import "strings"

// These are the rules where Root is set: the client sees the application at the
// root of an origin of its own, so that what the application says of paths is
// right. Only what names another place for the same is changed.

// leadToRoot is lead for a reference without space around it, which was from
// bytes long. An absolute URL to the application, by the address of the
// backend or by the wrong scheme, becomes one to the client's origin, and the
// prefix that another gateway has put before a path is taken off.
func (r *Rules) leadToRoot(ref string, from int) (start, end int, head string) {
	if ref != "" && slash(ref[0]) {
		taken, head := r.withoutPrefix(ref)
		return from, from + taken, head
	}
	scheme, host, ok := authority(ref)
	if !ok {
		return 0, 0, ""
	}
	client := sameHost(host, scheme, r.ClientHost)
	if !client && !sameHost(host, scheme, r.BackendHost) {
		return 0, 0, ""
	}
	at := len(scheme) + len("://") + len(host)
	taken, head := r.withoutPrefix(ref[at:])
	if client && head == "" && strings.EqualFold(scheme, r.ClientProto) {
		return 0, 0, ""
	}
	return from, from + at + taken, r.ClientProto + "://" + r.ClientHost + head
}

// withoutPrefix returns how many bytes of a path the prefix takes, and what
// stands there instead. What is left must not become a reference to another
// host by beginning with two slashes.
func (r *Rules) withoutPrefix(path string) (taken int, head string) {
	if r.Prefix == "" || !r.prefixed(path) {
		return 0, ""
	}
	taken = len(r.Prefix)
	switch rest := path[taken:]; {
	case rest == "" || !slash(rest[0]):
		return taken, "/"
	case protocolRelative(rest):
		return taken + 1, "/./"
	default:
		return taken + 1, "/"
	}
}

// rootCookie takes the prefix off a cookie's path, and has it go to no other
// host: names that end alike are one site to a browser, and another
// application's cookies are not to be replaced. A line that needs neither stays
// as it is.
func (r *Rules) rootCookie(line string) string {
	path := cookiePath(line)
	rest, prefixed := strings.CutPrefix(path, r.Prefix)
	prefixed = prefixed && r.Prefix != "" && (rest == "" || rest[0] == '/')
	_, attributes, _ := strings.Cut(line, ";")
	switch {
	case prefixed && rest == "":
		return confine(line, "/")
	case prefixed:
		return confine(line, rest)
	case strings.Contains(strings.ToLower(attributes), "domain"):
		return confine(line, rootPath(attributes, path))
	}
	return line
}

// rootPath returns the path that attributes name, or nothing if they name none:
// a browser then takes that of the request.
func rootPath(attributes, path string) string {
	for attribute := range strings.SplitSeq(attributes, ";") {
		name, _, _ := strings.Cut(attribute, "=")
		if strings.EqualFold(strings.TrimSpace(name), "path") {
			return path
		}
	}
	return ""
}
