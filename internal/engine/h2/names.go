package h2

import (
	"net/http"
	"strings"
)

// keepNames is how many names of header fields are remembered for a
// connection. They are the client's to invent.
const keepNames = 100

// names remembers how the names of header fields are written by HTTP/2 and by
// net/http.
type names map[string]string

// canonical returns a name in lower case as net/http has it.
func (n *names) canonical(name string) string {
	return n.of(name, http.CanonicalHeaderKey)
}

// lower returns a name in lower case.
func (n *names) lower(name string) string {
	return n.of(name, strings.ToLower)
}

func (n *names) of(name string, convert func(string) string) string {
	if known, ok := (*n)[name]; ok {
		return known
	}
	converted := convert(name)
	if len(*n) < keepNames && len(name) <= 64 {
		if *n == nil {
			*n = names{}
		}
		(*n)[name] = converted
	}
	return converted
}
