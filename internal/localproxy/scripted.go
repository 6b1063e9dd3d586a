package localproxy

import (
	"net/http"
	"strings"

	"github.com/causeway-access/causeway/internal/route"
)

// keepFromPages keeps the API from the pages of applications. Those that are
// visited below their prefix have the API's own origin, so that the rules of
// origins do not keep them from it, and all that they ask for would be asked
// with the user's credentials. A person may open the API's pages, which then
// have no origin that could be looked into. Where files are served, too, it is
// their pages that are to use the API, and a browser cannot tell one from the
// other.
func (p *Proxy) keepFromPages(api http.Handler) http.Handler {
	if p.cfg.Filter == nil || p.cfg.StaticDir != "" {
		return api
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, mode := r.Header["Sec-Fetch-Mode"]
		_, origin := r.Header["Origin"] // all that a WebSocket says
		switch {
		case !mode && !origin, p.isTarget(r):
		case origin || !navigates(r):
			http.Error(w, "Forbidden: a page in a browser may not use the API with your credentials. Serve the page with --www if it is your own.", http.StatusForbidden)
			return
		default:
			w.Header().Set("Content-Security-Policy", "sandbox")
			w.Header().Set("Cross-Origin-Opener-Policy", "same-origin")
		}
		api.ServeHTTP(w, r)
	})
}

// isTarget reports whether a request goes to an application.
func (p *Proxy) isTarget(r *http.Request) bool {
	path, query, _ := strings.Cut(r.RequestURI, "?")
	if !strings.HasPrefix(path, "/") { // absolute form
		path, query = r.URL.EscapedPath(), r.URL.RawQuery
	}
	_, ok := route.Parse("/"+strings.TrimPrefix(path, p.cfg.taken()), query)
	return ok
}
