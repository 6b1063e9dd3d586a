package localproxy

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	authorizationv1 "k8s.io/api/authorization/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

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
	list.noteRights(ctx, client)
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

// noteRights tells of namespaces whose services the user may see and not reach.
// He may still have the right to single ones, by their names.
func (l *List) noteRights(ctx context.Context, client kubernetes.Interface) {
	if mayReach(ctx, client, "") {
		return
	}
	var asked, refused []string
	for i := range l.Services {
		namespace := l.Services[i].Namespace
		if slices.Contains(asked, namespace) || len(asked) == namespacesMost {
			continue
		}
		if asked = append(asked, namespace); !mayReach(ctx, client, namespace) {
			refused = append(refused, namespace)
		}
	}
	if len(refused) > 0 {
		l.Notes = append(l.Notes, "You have no right to get services/proxy for all services of these namespaces, so that links may answer 403: "+strings.Join(refused, ", ")+".")
	}
}

// mayReach reports whether the user may reach all services of a namespace, or
// of all namespaces if it is empty. Where nobody can say, he may.
func mayReach(ctx context.Context, client kubernetes.Interface, namespace string) bool {
	review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{
		ResourceAttributes: &authorizationv1.ResourceAttributes{Namespace: namespace, Verb: "get", Resource: "services", Subresource: "proxy"},
	}}
	review, err := client.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, review, metav1.CreateOptions{})
	return err != nil || review.Status.Allowed
}

// whole has requests go below the path of the server's own URL, where the API
// is, whatever the proxy's clients are to put there themselves.
type whole struct{ failover }

// wholeKey is the context key of such a request.
type wholeKey struct{}

func (w whole) RoundTrip(r *http.Request) (*http.Response, error) {
	return w.failover.RoundTrip(r.WithContext(context.WithValue(r.Context(), wholeKey{}, true)))
}
