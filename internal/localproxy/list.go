package localproxy

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

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

// list asks the cluster for what the user may see.
func (p *Proxy) list(ctx context.Context, port string) (List, error) {
	list := List{Services: []Listed{}}
	client, err := kubernetes.NewForConfigAndClient(
		&rest.Config{Host: "http://api", QPS: -1, WarningHandler: rest.NoWarnings{}},
		&http.Client{Transport: whole{failover{p.servers}}},
	)
	if err != nil {
		return list, fmt.Errorf("listing the services: %w", err)
	}
	namespaces, err := p.namespaces(ctx, client, &list)
	if err != nil {
		return list, err
	}
	for _, namespace := range namespaces {
		if err := list.add(ctx, client, namespace, port, p.cfg); err != nil {
			return list, err
		}
	}
	slices.SortFunc(list.Services, func(a, b Listed) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	return list, nil
}

// namespaces returns where to look: everywhere at once, in each namespace for
// those who may not, or in the user's own for those who may not list them.
func (p *Proxy) namespaces(ctx context.Context, client kubernetes.Interface, list *List) ([]string, error) {
	_, err := client.CoreV1().Services("").List(ctx, metav1.ListOptions{Limit: 1})
	if err == nil {
		return []string{""}, nil
	}
	if !apierrors.IsForbidden(err) {
		return nil, fmt.Errorf("listing the services: %w", err)
	}
	all, err := client.CoreV1().Namespaces().List(ctx, metav1.ListOptions{Limit: namespacesMost})
	if err != nil {
		own := cmp.Or(p.cfg.Namespace, metav1.NamespaceDefault)
		list.Notes = append(list.Notes, "You may not list the services of all namespaces; these are those of namespace "+own+".")
		return []string{own}, nil //nolint:nilerror // the note says so
	}
	var names []string
	for _, one := range all.Items {
		names = append(names, one.Name)
	}
	if all.Continue != "" {
		list.Notes = append(list.Notes, fmt.Sprintf("There are more than %d namespaces; the others are not shown.", namespacesMost))
	}
	return names, nil
}

// add adds the services of a namespace; of those that the user may not list it
// makes no more of than a note.
func (l *List) add(ctx context.Context, client kubernetes.Interface, namespace, port string, cfg Config) error {
	services, err := client.CoreV1().Services(namespace).List(ctx, metav1.ListOptions{ResourceVersion: "0"})
	if apierrors.IsForbidden(err) {
		l.Notes = append(l.Notes, "You may not list the services of namespace "+namespace+".")
		return nil
	}
	if err != nil {
		return fmt.Errorf("listing the services: %w", err)
	}
	ready := map[string]int{}
	found, err := client.DiscoveryV1().EndpointSlices(namespace).List(ctx, metav1.ListOptions{ResourceVersion: "0"})
	if err != nil {
		ready = nil
	} else {
		countReady(ready, found.Items)
	}
	for i := range services.Items {
		l.Services = append(l.Services, listed(&services.Items[i], ready, port, cfg))
	}
	return nil
}

// countReady adds up the ready endpoints of each namespace/service.
func countReady(ready map[string]int, all []discoveryv1.EndpointSlice) {
	seen := map[string]bool{} // an address is in a slice for each set of ports
	for i := range all {
		service := all[i].Namespace + "/" + all[i].Labels[discoveryv1.LabelServiceName]
		for _, e := range all[i].Endpoints {
			if e.Conditions.Ready != nil && !*e.Conditions.Ready || len(e.Addresses) == 0 || seen[service+" "+e.Addresses[0]] {
				continue
			}
			seen[service+" "+e.Addresses[0]] = true
			ready[service]++
		}
	}
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

// whole has requests go below the path of the server's own URL, where the API
// is, whatever the proxy's clients are to put there themselves.
type whole struct{ failover }

// wholeKey is the context key of such a request.
type wholeKey struct{}

func (w whole) RoundTrip(r *http.Request) (*http.Response, error) {
	return w.failover.RoundTrip(r.WithContext(context.WithValue(r.Context(), wholeKey{}, true)))
}
