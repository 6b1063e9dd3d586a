package rewrite

import (
	"net/http"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// Origin is what the backend is told about the request as the client sent it.
type Origin struct {
	Client string // the client's IP
	Host   string // the Host that it asked for
	Proto  string // "https" or "http"
	URI    string // path and query, byte for byte
	Prefix string // the external prefix that the backend does not see; empty if there is none
}

// forwarded begins the names of the headers that say what Origin says.
const forwarded = "X-Forwarded-"

// Request changes the headers of a request for the backend. What authenticated
// the caller in the Authorization header is gone already (authenticators
// delete what they accept), so that one still there belongs to the
// application. SessionCookie names the cookie that may have authenticated him;
// empty if there is none.
func Request(h http.Header, o Origin, sessionCookie string) {
	trailers := httpguts.HeaderValuesContainsToken(h["Te"], "trailers")
	// A client could otherwise have us take away what a proxy in front of us has
	// said of him.
	dropNamed(h, func(name string) bool { return spelled(name, forwarded) })
	for name := range h {
		if hopByHop(name) || reserved(name) {
			delete(h, name)
		}
	}
	if sessionCookie != "" {
		dropCookie(h, sessionCookie)
	}
	if before := h["X-Forwarded-For"]; len(before) == 1 {
		o.Client = before[0] + ", " + o.Client
	} else if len(before) > 1 {
		o.Client = strings.Join(before, ", ") + ", " + o.Client
	}
	values := [...]string{o.Client, o.Host, o.Proto, o.URI, o.Prefix, "trailers", ""}
	h["X-Forwarded-For"] = values[0:1:1]
	h["X-Forwarded-Host"] = values[1:2:2]
	h["X-Forwarded-Proto"] = values[2:3:3]
	h["X-Forwarded-Uri"] = values[3:4:4]
	if h["X-Forwarded-Prefix"] = values[4:5:5]; o.Prefix == "" {
		delete(h, "X-Forwarded-Prefix")
	}
	if trailers { // gRPC asks for them, and they pass
		h["Te"] = values[5:6:6]
	}
	if _, ok := h["User-Agent"]; !ok {
		h["User-Agent"] = values[6:7:7] // and not the gateway's
	}
}

// reserved reports whether a header says what only the gateway may say: who
// the caller is, or, in a spelling that Request does not overwrite, where he
// comes from.
func reserved(name string) bool {
	if name == "" || name[0]|0x20 != 'i' && name[0]|0x20 != 'x' {
		return false
	}
	return spelled(name, "Impersonate-") || spelled(name, "X-Remote-") ||
		spelled(name, forwarded) && !strings.HasPrefix(name, forwarded)
}

// spelled reports whether a name begins with a prefix to those who cannot tell
// "_" from "-": to CGI and its heirs X_Remote_User is X-Remote-User.
func spelled(name, prefix string) bool {
	if len(name) < len(prefix) {
		return false
	}
	for i := range len(prefix) {
		if c := name[i]; c != prefix[i] && c|0x20 != prefix[i]|0x20 && (c != '_' || prefix[i] != '-') {
			return false
		}
	}
	return true
}
