package localproxy

import (
	"encoding/json"
	"html/template"
	"net/http"
	"strings"
	"time"
)

// StatusPath is where the proxy shows what it knows of its servers.
const StatusPath = "/-/status"

// Health is what is known of one API server.
type Health struct {
	URL string `json:"url"`
	// Discovered is set for those that the cluster has named.
	Discovered bool  `json:"discovered,omitempty"`
	State      State `json:"state"`
	// Reason says why it is down.
	Reason   string    `json:"reason,omitempty"`
	Since    time.Time `json:"since,omitzero"`
	Checked  time.Time `json:"checked,omitzero"`
	InFlight int64     `json:"inFlight"`
}

// Status is what StatusPath answers.
type Status struct {
	Servers []Health `json:"servers"`
}

// Status returns the state of the API servers, in their order.
func (p *Proxy) Status() Status {
	status := Status{Servers: []Health{}}
	for _, one := range p.servers.list() {
		status.Servers = append(status.Servers, one.snapshot())
	}
	return status
}

var page = template.Must(template.New("status").Parse(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Causeway: API servers</title><meta http-equiv="refresh" content="5">
<style>body{font:16px system-ui;margin:2em}td,th{padding:.3em 1em;text-align:left}.down{color:#b00}.up{color:#080}</style></head>
<body><h1>API servers</h1><table><tr><th>server</th><th>state</th><th>since</th><th>requests</th><th></th></tr>
{{range .Servers}}<tr><td>{{.URL}}</td><td class="{{.State}}">{{.State}}</td><td>{{if not .Since.IsZero}}{{.Since.Format "15:04:05"}}{{end}}</td><td>{{.InFlight}}</td><td>{{.Reason}}</td></tr>
{{end}}</table></body></html>
`))

// serveStatus answers as JSON, and to browsers as a page.
func (p *Proxy) serveStatus(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	// An error of writing is the client's going away.
	if strings.Contains(r.Header.Get("Accept"), "text/html") {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_ = page.Execute(w, p.Status())
		return
	}
	w.Header().Set("Content-Type", "application/json")
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	_ = encoder.Encode(p.Status())
}
