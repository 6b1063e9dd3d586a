package localproxy

import (
	"net/http"
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

var statusPage = layout("status", "Causeway: API servers", `<meta http-equiv="refresh" content="5">`, `<h1>API servers</h1>
<table><thead><tr><th scope="col">Server</th><th scope="col">State</th><th scope="col">Since</th><th scope="col">Requests under way</th><th scope="col">Reason</th></tr></thead><tbody>
{{range .Servers}}<tr><td>{{.URL}}</td><td class="{{.State}}">{{.State}}</td><td>{{if not .Since.IsZero}}{{.Since.Format "15:04:05"}}{{end}}</td><td>{{.InFlight}}</td><td>{{.Reason}}</td></tr>
{{end}}</tbody></table>
<p><a href="/-/services">Services</a></p>
`)

// serveStatus answers as JSON, and to browsers as a page.
func (p *Proxy) serveStatus(w http.ResponseWriter, r *http.Request) {
	if opensPage(r) {
		showPage(w, http.StatusOK, statusPage, p.Status())
		return
	}
	showJSON(w, http.StatusOK, p.Status())
}
