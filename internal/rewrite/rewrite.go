// Package rewrite changes the two messages on their way: the request so that
// the backend learns who asks from where and sees no credential of the
// gateway's, the response so that an application that believes to live at "/"
// works behind a prefix. Pure but for the stream it rewrites. Floor F1.
//
// Request and Response change headers; they run for every request and take
// care to allocate nothing for what does not change. Page and Copy change the
// URLs of HTML as it streams by: coding.go undoes and redoes its compression,
// markup.go, tag.go and rawtext.go find the tags, page.go and attribute.go
// change them. What a URL becomes is said in location.go, and in root.go for
// applications without a prefix.
package rewrite

import (
	"net/http"
	"strings"
)

// Rules say where URLs of the backend's pages lead from the client's side.
type Rules struct {
	// Prefix is put before paths: the external prefix, without a slash at its end.
	Prefix string
	// Root is set where the client sees the application at the root of an origin
	// of its own. Nothing is put before paths then: Prefix, unless it is empty,
	// is what another gateway has put there and is taken off; see root.go.
	Root bool
	// ClientHost is the host that the client asked for, BackendHost the
	// endpoint's address: an absolute URL to either is the application's own.
	ClientHost, BackendHost string
	// ClientProto is the scheme of the client's own URLs.
	ClientProto string
}

// hopByHop reports whether a header belongs to one connection (RFC 9110,
// section 7.6.1, and what was common before it).
func hopByHop(name string) bool {
	switch name {
	case "Connection", "Proxy-Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization",
		"Te", "Trailer", "Transfer-Encoding", "Upgrade":
		return true
	}
	return false
}

// DropHopByHop removes the headers that belong to one connection, and those that
// the Connection header names.
func DropHopByHop(h http.Header) {
	dropNamed(h, nil)
	for name := range h {
		if hopByHop(name) {
			delete(h, name)
		}
	}
}

// dropNamed removes the headers that the Connection header names, but for
// those that may not be taken away by it.
func dropNamed(h http.Header, keep func(name string) bool) {
	for _, line := range h["Connection"] {
		for more := true; more; {
			var token string
			token, line, more = strings.Cut(line, ",")
			token = strings.TrimSpace(token)
			switch {
			case token == "", strings.EqualFold(token, "close"), strings.EqualFold(token, "keep-alive"), strings.EqualFold(token, "upgrade"):
				continue // nothing, or dropped in any case
			}
			if name := http.CanonicalHeaderKey(token); keep == nil || !keep(name) {
				delete(h, name)
			}
		}
	}
}
