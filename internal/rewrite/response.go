package rewrite

import (
	"net/http"
	"strings"
)

// Response changes the headers of a response for the client. KeepCORS leaves
// the application's own cross-origin headers in place: for gateways whose
// operator has said so.
func (r *Rules) Response(h http.Header, keepCORS bool) {
	dropHopByHop(h)
	if !keepCORS {
		for name := range h {
			if strings.HasPrefix(name, "Access-Control-Allow-") {
				delete(h, name)
			}
		}
	}
	each(h["Location"], r.URL)
	each(h["Content-Location"], r.URL)
	each(h["Refresh"], r.refresh)
	each(h["Set-Cookie"], r.cookie)
}

func each(values []string, change func(string) string) {
	for i, v := range values {
		values[i] = change(v)
	}
}

// cookie confines a cookie to the application: its path gets the prefix, and
// it goes to no other host, so that two applications behind one gateway do not
// see each other's. Everything else of the line stays as it is.
func (r *Rules) cookie(line string) string {
	parts := strings.Split(line, ";")
	kept := parts[:1]
	path := "/"
	at := -1
	for _, attribute := range parts[1:] {
		name, value, _ := strings.Cut(attribute, "=")
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "domain":
			continue
		case "path":
			if value = strings.TrimSpace(value); strings.HasPrefix(value, "/") {
				path = value // the last one counts (RFC 6265, section 5.3)
			} else {
				path = "/"
			}
			if at < 0 {
				at = len(kept)
				kept = append(kept, "")
			}
			continue
		}
		kept = append(kept, attribute)
	}
	if at < 0 {
		at = len(kept)
		kept = append(kept, "")
	}
	kept[at] = " Path=" + r.path(path)
	return strings.Join(kept, ";")
}
