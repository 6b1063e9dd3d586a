package echo

import (
	_ "embed"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"strings"
)

// headers answers with the headers alone.
func (h *handler) headers(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, http.StatusOK, r.Header)
}

// status answers with the status that the path names. An informational status
// is sent before a 200, as the protocol wants it; 101 is no answer by itself.
func (h *handler) status(w http.ResponseWriter, r *http.Request) {
	text := strings.TrimPrefix(r.URL.Path, "/status/")
	code, err := strconv.Atoi(text)
	if err != nil || code < 102 || code > 599 {
		writeText(w, http.StatusBadRequest, fmt.Sprintf("%q is no status: want a number from 102 to 599\n", text))
		return
	}
	if code < 200 {
		w.Header().Set("Link", "</html>; rel=preload; as=document")
		w.WriteHeader(code)
		code = http.StatusOK
	}
	if code == http.StatusNoContent || code == http.StatusNotModified {
		w.WriteHeader(code) // these have no body
		return
	}
	h.answer(w, r, code)
}

// redirect sends Location as it was asked for: http.Redirect would clean it.
func (h *handler) redirect(w http.ResponseWriter, r *http.Request) {
	code, err := strconv.Atoi(valueOr(r, "code", "302"))
	if err != nil || code < 300 || code > 399 {
		writeText(w, http.StatusBadRequest, "code must be a number from 300 to 399\n")
		return
	}
	w.Header().Set("Location", valueOr(r, "to", "/"))
	w.WriteHeader(code)
}

// setCookies sets each query parameter as a cookie. Parameters path and domain
// are attributes of them all.
func (h *handler) setCookies(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	path, domain := query.Get("path"), query.Get("domain")
	query.Del("path")
	query.Del("domain")
	for name := range query {
		http.SetCookie(w, &http.Cookie{Name: name, Value: query.Get(name), Path: path, Domain: domain})
	}
	h.echo(w, r)
}

// cookies answers with names and values.
func (h *handler) cookies(w http.ResponseWriter, r *http.Request) {
	all := map[string]string{}
	for _, c := range r.Cookies() {
		all[c.Name] = c.Value
	}
	writeJSON(w, http.StatusOK, all)
}

//go:embed page.html
var pageSource string

// html is a page that a browser shows and a proxy has to rewrite.
func (h *handler) html(w http.ResponseWriter, _ *http.Request) {
	page, err := template.New("page").Parse(pageSource)
	if err != nil {
		writeText(w, http.StatusInternalServerError, err.Error()+"\n")
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = page.Execute(w, struct{ Pod, Namespace string }{h.pod, h.namespace}) // the client may have gone
}

// valueOr is a query parameter, or what stands for it if it is not given.
func valueOr(r *http.Request, name, missing string) string {
	if v := r.URL.Query().Get(name); v != "" {
		return v
	}
	return missing
}
