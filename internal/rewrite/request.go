package rewrite

import (
	"net/http"
	"strings"
)

// Origin is what the backend is told about the request as the client sent it.
type Origin struct {
	Client string // the client's IP
	Host   string // the Host that it asked for
	Proto  string // "https" or "http"
	URI    string // path and query, byte for byte
	Prefix string // the external prefix that the backend does not see
}

// Request changes the headers of a request for the backend. What authenticated
// the caller in the Authorization header is gone already (authenticators
// delete what they accept), so that one still there belongs to the
// application. SessionCookie names the cookie that may have authenticated him;
// empty if there is none.
func Request(h http.Header, o Origin, sessionCookie string) {
	trailers := HasToken(h["Te"], "trailers")
	dropHopByHop(h)
	for name := range h {
		if strings.HasPrefix(name, "Impersonate-") || strings.HasPrefix(name, "X-Remote-") {
			delete(h, name)
		}
	}
	if sessionCookie != "" {
		dropCookie(h, sessionCookie)
	}
	if trailers { // gRPC asks for them, and they pass
		h["Te"] = []string{"trailers"}
	}
	if _, ok := h["User-Agent"]; !ok {
		h["User-Agent"] = []string{""} // and not the gateway's
	}
	if before := h["X-Forwarded-For"]; len(before) > 0 {
		o.Client = strings.Join(before, ", ") + ", " + o.Client
	}
	h["X-Forwarded-For"] = []string{o.Client}
	h["X-Forwarded-Host"] = []string{o.Host}
	h["X-Forwarded-Proto"] = []string{o.Proto}
	h["X-Forwarded-Uri"] = []string{o.URI}
	h["X-Forwarded-Prefix"] = []string{o.Prefix}
}

// dropCookie removes one cookie and leaves the bytes of the others alone.
func dropCookie(h http.Header, name string) {
	lines := h["Cookie"]
	kept := lines[:0:0]
	for _, line := range lines {
		var others []string
		for pair := range strings.SplitSeq(line, ";") {
			pair = strings.TrimSpace(pair)
			if key, _, _ := strings.Cut(pair, "="); key != name && pair != "" {
				others = append(others, pair)
			}
		}
		if len(others) > 0 {
			kept = append(kept, strings.Join(others, "; "))
		}
	}
	if len(kept) == 0 {
		delete(h, "Cookie")
		return
	}
	h["Cookie"] = kept
}
