package localproxy

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/causeway-access/causeway/internal/route"
)

// These are the rules of the Filter that are about browsers: which pages may
// have the browser make requests. Every local name is an origin of its own and
// so is the API, at localhost; none of them may use another. Browsers call
// names that end alike, NAMESPACE.localhost, and all ports of one name, the
// same site: that is not enough.

// acceptsOrigin refuses requests that a browser makes for another origin's
// page, except that a person may follow a link to here.
func (f *Filter) acceptsOrigin(r *http.Request) bool {
	for _, origin := range r.Header["Origin"] {
		u, err := url.Parse(origin)
		if err != nil || u.Host == "" || !f.acceptsHost(u.Host) || portOfHost(u.Host) != portOfHost(r.Host) {
			return false // "null" among them
		}
		if _, ok := route.ParseLocalName(u.Hostname()); ok {
			return false // an application's, whatever hosts are accepted
		}
	}
	return fromHere(r)
}

// acceptsNamed decides on a request to a local name, by the path that it has at
// the API server. No origin but the name's own is accepted, to the letter.
func (f *Filter) acceptsNamed(r *http.Request, n *named) bool {
	if f == nil {
		return true
	}
	for _, origin := range r.Header["Origin"] {
		if !strings.EqualFold(origin, "http://"+r.Host) {
			return false
		}
	}
	path := n.target.Prefix + n.target.Path
	if decoded, err := url.PathUnescape(path); err == nil {
		path = decoded
	}
	return fromHere(r) && !f.RejectMethods.match(r.Method) && f.acceptsPaths(path)
}

// fromHere reports whether a request is not made for the page of another
// origin, as far as the browser says so, or follows a link.
func fromHere(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "none", "same-origin":
		return true
	}
	return navigates(r)
}

// navigates reports whether a person opens a page, by a link or by its address.
func navigates(r *http.Request) bool {
	return r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document" &&
		(r.Method == http.MethodGet || r.Method == http.MethodHead)
}

func portOfHost(hostport string) string {
	u := url.URL{Host: hostport}
	return u.Port()
}
