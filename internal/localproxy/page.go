package localproxy

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"html/template"
	"net/http"
	"strings"
)

// style is that of the proxy's own pages.
const style = `body{font:16px/1.4 system-ui,sans-serif;margin:2em auto;max-width:70em;padding:0 1em;color:#222;background:#fff}
h1{font-size:1.6em}table{border-collapse:collapse;width:100%}th,td{padding:.35em .8em .35em 0;text-align:left;vertical-align:top;border-bottom:1px solid #ddd}
a{color:#0645ad}code{background:#f2f2f2;padding:.1em .3em}.up{color:#060}.down{color:#a00}.dim{color:#595959}`

// policy lets a page show itself and nothing else.
var policy = func() string {
	sum := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}()

// layout makes a template of what is between title and end.
func layout(name, title, head, body string) *template.Template {
	return template.Must(template.New(name).Parse(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>` + title + `</title>` + head + `
<style>` + style + `</style></head>
<body><main>
` + body + `</main></body></html>
`))
}

// opensPage reports whether a browser asks for a page to show.
func opensPage(r *http.Request) bool {
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) && strings.Contains(r.Header.Get("Accept"), "text/html")
}

// showPage answers with a page.
func showPage(w http.ResponseWriter, status int, page *template.Template, data any) {
	var text bytes.Buffer
	if err := page.Execute(&text, data); err != nil {
		http.Error(w, "error: making the page: "+err.Error(), http.StatusInternalServerError)
		return
	}
	pageHeader(w.Header())
	w.WriteHeader(status)
	_, _ = w.Write(text.Bytes()) // an error is the client's going away
}

// pageHeader sets what holds for all pages of the proxy.
func pageHeader(h http.Header) {
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", policy)
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
}

// showJSON answers with a document for programs and for who reads it by curl.
func showJSON(w http.ResponseWriter, status int, document any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	_ = encoder.Encode(document) // an error is the client's going away
}
