package portforward

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// podTries is how many pods of a target are tried for one connection.
const podTries = 3

// podPort is a port of a pod.
type podPort struct {
	pod  string
	port uint16
}

// unknownResource reports whether the API server does not know a resource, as
// opposed to an object of it.
func unknownResource(err error) bool {
	var status *apierrors.StatusError
	if apierrors.IsMethodNotSupported(err) {
		return true
	}
	if !errors.As(err, &status) || !apierrors.IsNotFound(err) {
		return false
	}
	details := status.ErrStatus.Details
	return details == nil || details.Kind != "services" || details.Name == ""
}

// viaPod connects to one of the ready pods behind a target.
func (d *Dialer) viaPod(ctx context.Context, t Target, port uint16) (*Conn, error) {
	pods, err := d.podsOf(ctx, t, port)
	if err != nil {
		return nil, err
	}
	for _, p := range pods[:min(len(pods), podTries)] {
		var c *Conn
		c, err = d.open(ctx, Target{"pods", t.Namespace, p.pod}, p.port, false)
		if err == nil {
			return c, nil
		}
	}
	return nil, err
}

// podsOf returns the ready pods behind a target, in random order, and the port
// of each. Port 0 stands for any.
func (d *Dialer) podsOf(ctx context.Context, t Target, port uint16) ([]podPort, error) {
	find := d.podsBySelector
	if t.Resource == "services" {
		find = d.podsOfService
	}
	pods, err := find(ctx, t, port)
	if err == nil && len(pods) == 0 {
		err = fmt.Errorf("%s in namespace %q has no ready pod", t, t.Namespace)
	}
	rand.Shuffle(len(pods), func(i, j int) { pods[i], pods[j] = pods[j], pods[i] })
	return pods, err
}

// podsOfService reads the service and its endpoint slices.
func (d *Dialer) podsOfService(ctx context.Context, t Target, port uint16) ([]podPort, error) {
	var service corev1.Service
	if err := d.get(ctx, t.path(), &service); err != nil {
		return nil, err
	}
	name, err := portName(&service, port)
	if err != nil {
		return nil, err
	}
	var list discoveryv1.EndpointSliceList
	path := "/apis/discovery.k8s.io/v1/namespaces/" + t.Namespace + "/endpointslices?labelSelector=" +
		url.QueryEscape(discoveryv1.LabelServiceName+"="+t.Name)
	if err := d.get(ctx, path, &list); err != nil {
		return nil, err
	}
	var pods []podPort
	for _, slice := range list.Items {
		i := slices.IndexFunc(slice.Ports, func(p discoveryv1.EndpointPort) bool {
			return p.Port != nil && (port == 0 || p.Name == nil && name == "" || p.Name != nil && *p.Name == name)
		})
		if i < 0 {
			continue
		}
		for _, e := range slice.Endpoints {
			ready := e.Conditions.Ready == nil || *e.Conditions.Ready
			if ready && e.TargetRef != nil && e.TargetRef.Kind == "Pod" {
				pods = append(pods, podPort{e.TargetRef.Name, uint16(*slice.Ports[i].Port)})
			}
		}
	}
	return pods, nil
}

// portName returns the name of a service's port, which its slices go by.
func portName(s *corev1.Service, port uint16) (string, error) {
	var numbers []string
	for _, p := range s.Spec.Ports {
		if !isTCP(p.Protocol) {
			continue
		}
		if port == 0 || p.Port == int32(port) {
			return p.Name, nil
		}
		numbers = append(numbers, fmt.Sprint(p.Port))
	}
	if len(numbers) == 0 {
		return "", fmt.Errorf("service %q has no TCP port", s.Name)
	}
	return "", fmt.Errorf("no service port %d found for service %q; it has %s", port, s.Name, strings.Join(numbers, ", "))
}

// podsBySelector reads a workload's selector and the pods that it selects.
func (d *Dialer) podsBySelector(ctx context.Context, t Target, port uint16) ([]podPort, error) {
	var workload struct {
		Spec struct {
			Selector *metav1.LabelSelector `json:"selector"`
		} `json:"spec"`
	}
	if err := d.get(ctx, t.workloadPath(), &workload); err != nil {
		return nil, err
	}
	selector, err := metav1.LabelSelectorAsSelector(workload.Spec.Selector)
	if err != nil {
		return nil, fmt.Errorf("the selector of %s: %w", t, err)
	}
	var list corev1.PodList
	if err := d.get(ctx, "/api/v1/namespaces/"+t.Namespace+"/pods?labelSelector="+url.QueryEscape(selector.String()), &list); err != nil {
		return nil, err
	}
	var pods []podPort
	for _, p := range list.Items {
		ready := slices.ContainsFunc(p.Status.Conditions, func(c corev1.PodCondition) bool {
			return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
		})
		if ready && p.DeletionTimestamp == nil {
			pods = append(pods, podPort{p.Name, port})
		}
	}
	return pods, nil
}

// get reads an object.
func (d *Dialer) get(ctx context.Context, path string, into any) error {
	resp, err := d.roundTrip(ctx, http.MethodGet, path, http.Header{"Accept": {"application/json"}})
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return statusOf(resp)
	}
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
		return fmt.Errorf("reading %s: %w", path, err)
	}
	return nil
}
