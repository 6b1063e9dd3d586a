package rewrite

import (
	"net/http"
	"strings"
)

// Response changes the headers of a response for the client. KeepCORS leaves
// the application's own cross-origin headers in place: for gateways whose
// operator has said so.
func (r *Rules) Response(h http.Header, keepCORS bool) {
	dropNamed(h, nil)
	for name, values := range h {
		switch name {
		case "Location", "Content-Location":
			each(values, r.URL)
		case "Refresh":
			each(values, r.refreshed)
		case "Set-Cookie":
			each(values, r.cookie)
		default:
			if hopByHop(name) || !keepCORS && strings.HasPrefix(name, "Access-Control-Allow-") {
				delete(h, name)
			}
		}
	}
}

func each(values []string, change func(string) string) {
	for i, v := range values {
		values[i] = change(v)
	}
}
