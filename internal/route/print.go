package route

import (
	"net/url"
	"strings"
)

// String prints the canonical URL of the target, path and query. It is stable:
// parsing it and printing again gives the same string. The redirect verb has
// only old forms, so that of v1 is its canonical one.
func (t *Target) String() string {
	var b strings.Builder
	b.WriteString("/api/v1/")
	if t.Verb == Redirect {
		b.WriteString("redirect/")
	}
	if t.Resource != Nodes {
		b.WriteString("namespaces/")
		b.WriteString(url.PathEscape(t.Namespace))
		b.WriteByte('/')
	}
	b.WriteString(t.Resource.String())
	b.WriteByte('/')
	b.WriteString(url.PathEscape(t.Segment))
	if t.Verb == Proxy {
		b.WriteString("/proxy")
	}
	b.WriteString(t.Path)
	if t.Query != "" {
		b.WriteByte('?')
		b.WriteString(t.Query)
	}
	return b.String()
}
