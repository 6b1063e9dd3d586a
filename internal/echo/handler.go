package echo

import (
	"net/http"
	"strings"
)

// handler answers for one pod.
type handler struct {
	pod, namespace string
	pages          []page
}

// page is a path and what it does. The help page prints them.
type page struct {
	path  string // without its first slash; ends in a slash if more follows
	does  string
	serve http.HandlerFunc
}

// newHandler lists the pages. http.ServeMux is no help here: it redirects
// paths such as //a/../b, and an echo must show them as they came.
func newHandler(pod, namespace string) http.Handler {
	h := &handler{pod: pod, namespace: namespace}
	h.pages = []page{
		{"headers", "the request's headers alone", h.headers},
		{"status/", "/status/404 answers with that status; 102 and 103 come before a 200", h.status},
		{"redirect", "?to=URL&code=302 redirects there", h.redirect},
		{"slow", "?for=2s waits before it answers", h.slow},
		{"stream", "?bytes=1000000 sends so many bytes, of unknown length", h.stream},
		{"drop", "?after=100 promises more, sends so many bytes and breaks off", h.drop},
		{"sse", "?count=5&every=1s sends server-sent events; count=0 never ends", h.events},
		{"trailers", "sends trailers, and shows those of the request", h.trailers},
		{"cookies/set", "?name=value sets cookies; path= and domain= set their attributes", h.setCookies},
		{"cookies", "the cookies that came", h.cookies},
		{"ws", "WebSocket: sends back each message", h.websocket},
		{"html", "a page with links and a form", h.html},
		{"help", "this list", h.help},
	}
	return h
}

// ServeHTTP serves the page the path names; every other path is echoed.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/")
	for _, p := range h.pages {
		if path == p.path || strings.HasSuffix(p.path, "/") && strings.HasPrefix(path, p.path) {
			p.serve(w, r)
			return
		}
	}
	h.echo(w, r)
}

// help lists the pages.
func (h *handler) help(w http.ResponseWriter, _ *http.Request) {
	var b strings.Builder
	b.WriteString("Every path answers with the request it got, but these do something else:\n\n")
	for _, p := range h.pages {
		b.WriteString("  /" + p.path + strings.Repeat(" ", 13-len(p.path)) + p.does + "\n")
	}
	writeText(w, http.StatusOK, b.String())
}
