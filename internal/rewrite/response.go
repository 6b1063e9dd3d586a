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
		case "Service-Worker-Allowed":
			// Whatever it says, relative or not: no further than the application,
			// or its worker would answer for all others in the browser.
			if !r.Root {
				h[name] = []string{r.Prefix + "/"}
			}
		default:
			ours := ofOrigin(name) || !keepCORS && strings.HasPrefix(name, "Access-Control-Allow-")
			if hopByHop(name) || ours && !r.Root {
				delete(h, name)
			}
		}
	}
}

// ofOrigin reports whether a header speaks for the whole origin, which below a
// prefix is the API's and not the application's: it would empty what browsers keep for all
// applications, or have them come by another way.
func ofOrigin(name string) bool {
	switch name {
	case "Clear-Site-Data", "Alt-Svc", "Strict-Transport-Security", "Public-Key-Pins", "Public-Key-Pins-Report-Only":
		return true
	}
	return false
}

func each(values []string, change func(string) string) {
	for i, v := range values {
		values[i] = change(v)
	}
}
