package localproxy

import (
	"cmp"
	"context"
	"net/http"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/causeway-access/causeway/internal/route"
)

// ListPath is where the proxy lists the services of the cluster, as JSON or as
// a page. Browsers see the page at "/" too.
const ListPath = "/-/services"

const (
	// listTime bounds the making of the list.
	listTime = 15 * time.Second
	// namespacesMost is how many namespaces are asked one by one.
	namespacesMost = 100
)

// List is what ListPath answers.
type List struct {
	Services []Listed `json:"services"`
	// Notes say what could not be listed, and why.
	Notes []string `json:"notes,omitempty"`
}

// Listed is a service.
type Listed struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Type      string `json:"type"`
	// Ready is the number of ready endpoints; nil if it is not known.
	Ready *int         `json:"ready"`
	Ports []ListedPort `json:"ports"`
}

// State says whether anybody is there to answer, so far as that is known.
func (l Listed) State() State {
	switch {
	case l.Ready == nil:
		return Unknown
	case *l.Ready == 0:
		return Down
	}
	return Up
}

// ListedPort is a port of a service and the ways to it. The URLs are those of
// this proxy, empty for ports that do not speak HTTP.
type ListedPort struct {
	Name     string `json:"name,omitempty"`
	Port     int32  `json:"port"`
	Protocol string `json:"protocol"`
	// URL leads to the port by its local name.
	URL string `json:"url,omitempty"`
	// PrefixURL is its path at the API.
	PrefixURL string `json:"prefixURL,omitempty"`
}

var listPage = layout("list", "Causeway: services", "", `<h1>Services</h1>
{{range .Notes}}<p class="down">{{.}}</p>
{{end}}{{if .Services}}<table><thead><tr><th scope="col">Namespace</th><th scope="col">Service</th><th scope="col">Ready</th><th scope="col">Ports</th></tr></thead><tbody>
{{range .Services}}{{$s := .}}<tr><td>{{.Namespace}}</td><td>{{.Name}}{{if eq .Type "ExternalName"}} <span class="dim">ExternalName</span>{{end}}</td>
<td>{{with .Ready}}<span class="{{$s.State}}">{{.}}</span>{{else}}<span class="dim">not known</span>{{end}}</td>
<td>{{range .Ports}}<div>{{if .URL}}<a href="{{.URL}}">{{.URL}}</a>{{end}} <span class="dim">{{with .Name}}{{.}} {{end}}{{.Port}}{{if ne .Protocol "TCP"}}/{{.Protocol}}{{end}}</span>
{{if .PrefixURL}} <a class="dim" href="{{.PrefixURL}}" aria-label="{{$s.Name}}, port {{.Port}}, below the API's prefix">prefix</a>{{end}}</div>{{else}}<span class="dim">none</span>{{end}}</td></tr>
{{end}}</tbody></table>
{{else}}<p>There are none to show.</p>
{{end}}<p class="dim">The first link of a port leads to the application at the root of a name of its own, the second below the API's prefix.
The API itself: <a href="/api">/api</a>, <a href="/version">/version</a>. <a href="/-/status">API servers</a></p>
`)

// serveList answers as JSON, and to browsers as a page.
func (p *Proxy) serveList(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), listTime)
	defer cancel()
	list, err := p.list(ctx, ours(r.Host))
	status := http.StatusOK
	if err != nil {
		status, list.Notes = http.StatusBadGateway, append(list.Notes, err.Error())
	}
	if opensPage(r) {
		showPage(w, status, listPage, list)
		return
	}
	showJSON(w, status, list)
}

// listed describes a service. A nil map says that nothing is known of endpoints.
func listed(s *corev1.Service, ready map[string]int, port string, cfg Config) Listed {
	out := Listed{Namespace: s.Namespace, Name: s.Name, Type: string(s.Spec.Type), Ports: []ListedPort{}}
	if ready != nil {
		n := ready[s.Namespace+"/"+s.Name]
		out.Ready = &n
	}
	for i := range s.Spec.Ports {
		one := &s.Spec.Ports[i]
		p := ListedPort{Name: one.Name, Port: one.Port, Protocol: string(one.Protocol)}
		if one.Protocol == corev1.ProtocolTCP && s.Spec.Type != corev1.ServiceTypeExternalName {
			t := targetOf(s, one)
			p.PrefixURL = cfg.taken() + t.String()[1:]
			if !cfg.NoNames {
				p.URL = localURL(&t, port)
			}
		}
		out.Ports = append(out.Ports, p)
	}
	return out
}

// targetOf returns the target that a port is. The port is left out where there
// is no other, unless the name could be taken for another then. An https port is
// told by its name, its number, or what it says of its protocol.
func targetOf(s *corev1.Service, port *corev1.ServicePort) route.Target {
	t := route.Target{Resource: route.Services, Namespace: s.Namespace, Name: s.Name, Path: "/"}
	if port.Name == "https" || port.Port == 443 || port.AppProtocol != nil && *port.AppProtocol == "https" {
		t.Scheme = route.SchemeHTTPS
	}
	if _, ok := t.LocalName(); !ok || len(s.Spec.Ports) > 1 {
		t.Port = cmp.Or(port.Name, strconv.Itoa(int(port.Port)))
	}
	t.Segment = t.Name
	switch {
	case t.Scheme != "":
		t.Segment = t.Scheme + ":" + t.Name + ":" + t.Port
	case t.Port != "":
		t.Segment += ":" + t.Port
	}
	return t
}
