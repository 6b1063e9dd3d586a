// Package rewrite changes the two messages on their way: the request so that
// the backend learns who asks from where and sees no credential of the
// gateway's, the response so that an application that believes to live at "/"
// works behind a prefix. Pure but for the stream it rewrites. Floor F1.
package rewrite

import (
	"net/http"
	"strings"
)

// hopByHop are the headers that belong to one connection (RFC 9110, section
// 7.6.1, and what was common before it).
var hopByHop = [...]string{
	"Connection", "Proxy-Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization",
	"Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

// dropHopByHop removes the headers of one connection, and those that its
// Connection header names.
func dropHopByHop(h http.Header) {
	for _, line := range h["Connection"] {
		for token := range strings.SplitSeq(line, ",") {
			if token = strings.TrimSpace(token); token != "" {
				h.Del(token)
			}
		}
	}
	for _, name := range hopByHop {
		delete(h, name)
	}
}

// HasToken reports whether a comma-separated header holds a token, whatever
// its case.
func HasToken(lines []string, token string) bool {
	for _, line := range lines {
		for part := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(part), token) {
				return true
			}
		}
	}
	return false
}
