package route

import (
	"net/url"
	"strings"
)

// Parse reads the escaped path and the raw query of a request. It reports
// false for a URL that names no target: such a request is the API's own.
//
// A Target with a name segment that cannot be split is returned all the same,
// since the caller must be authorised (with the whole segment as the name)
// before he is told; see [Target.Check].
func Parse(path, query string) (Target, bool) {
	c := cursor{rest: path}
	if c.next() != "api" || strings.IndexByte(path, '?') >= 0 {
		return Target{}, false
	}
	t := Target{Query: query}
	ok := false
	switch version := c.next(); version {
	case "v1", "v1beta3":
		ok = c.modern(&t, version)
	case "v1beta1", "v1beta2":
		ok = c.ancient(&t)
	}
	if !ok || c.bad {
		return Target{}, false
	}
	t.Prefix = path[:len(path)-len(c.rest)]
	t.Path = resolveDots(c.rest)
	t.malformed = !t.split()
	return t, true
}

// SegmentError says that a name segment has none of the forms it may have.
type SegmentError struct {
	// Resource and Segment are those of the target.
	Resource Resource
	Segment  string
}

func (e *SegmentError) Error() string {
	resource := e.Resource.String()
	return "invalid " + resource[:len(resource)-1] + " request " + quote(e.Segment)
}

// LineError says that a path or query cannot stand in a request line: it holds
// a space or a control character. HTTP/1.1 cannot bring such a URL; HTTP/2 can,
// and written down for a backend it would end the line early (RFC 9113, section
// 10.3).
type LineError struct {
	// Part is the path or the query, after the prefix.
	Part string
}

func (e *LineError) Error() string { return "invalid URL " + quote(e.Part) }

// Check returns a [*SegmentError] if the name segment has a form that no
// scheme, name and port can be read from, and a [*LineError] for what must not
// be sent on.
func (t *Target) Check() error {
	if t.malformed {
		return &SegmentError{t.Resource, t.Segment}
	}
	for _, part := range [...]string{t.Path, t.Query} {
		if !inLine(part) {
			return &LineError{part}
		}
	}
	return nil
}

// inLine reports whether s may stand in a request line.
func inLine(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] == 0x7f {
			return false
		}
	}
	return true
}

// cursor walks the segments of an escaped path.
type cursor struct {
	rest string
	bad  bool
}

// next returns the next segment, decoded; empty if there is none.
func (c *cursor) next() string {
	if c.rest == "" || c.rest[0] != '/' {
		c.bad = true
		return ""
	}
	s := c.rest[1:]
	if i := strings.IndexByte(s, '/'); i >= 0 {
		s, c.rest = s[:i], s[i:]
	} else {
		c.rest = ""
	}
	if strings.IndexByte(s, '%') >= 0 {
		decoded, err := url.PathUnescape(s)
		if err != nil {
			c.bad = true
			return ""
		}
		s = decoded
	}
	// A dot segment in the prefix would mean another URL to whoever resolves it.
	if s == "" || s == "." || s == ".." {
		c.bad = true
		return ""
	}
	return s
}

// modern reads what follows /api/v1 and /api/v1beta3: the namespace is in the path.
func (c *cursor) modern(t *Target, version string) bool {
	first := c.next()
	if t.Legacy = t.setVerb(first); t.Legacy {
		first = c.next()
	} else if version != "v1" {
		return false
	}
	switch first {
	case "namespaces":
		t.Namespace = c.next()
		if !t.setResource(c.next(), false) || t.Resource == Nodes {
			return false
		}
	case "nodes":
		t.Resource = Nodes
	default:
		return false
	}
	t.Segment = c.next()
	return t.Legacy || c.next() == "proxy"
}

// ancient reads what follows /api/v1beta1 and /api/v1beta2: the namespace is a
// query parameter, or follows "ns".
func (c *cursor) ancient(t *Target) bool {
	t.Legacy = true
	if !t.setVerb(c.next()) {
		return false
	}
	first := c.next()
	if first == "ns" && t.Verb == Proxy {
		t.Namespace = c.next()
		if !t.setResource(c.next(), false) || t.Resource == Nodes {
			return false
		}
		t.Segment = c.next()
		return true
	}
	if !t.setResource(first, true) {
		return false
	}
	if t.Resource != Nodes {
		t.Namespace = namespaceIn(t.Query)
	}
	t.Segment = c.next()
	return true
}

func (t *Target) setVerb(s string) bool {
	switch s {
	case "proxy":
		t.Verb = Proxy
	case "redirect":
		t.Verb = Redirect
	default:
		return false
	}
	return true
}

func (t *Target) setResource(s string, ancient bool) bool {
	switch {
	case s == "services":
		t.Resource = Services
	case s == "pods":
		t.Resource = Pods
	case s == "nodes", s == "minions" && ancient:
		t.Resource = Nodes
	default:
		return false
	}
	return true
}

// namespaceIn returns the first namespace parameter of a raw query, or the
// namespace "default".
func namespaceIn(query string) string {
	for pair := range strings.SplitSeq(query, "&") {
		key, value, _ := strings.Cut(pair, "=")
		if key != "namespace" {
			continue
		}
		if ns, err := url.QueryUnescape(value); err == nil && ns != "" {
			return ns
		}
	}
	return "default"
}
