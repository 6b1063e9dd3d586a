package certificates

import (
	"context"
	"crypto/x509"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/kubernetes"
	certificateslisters "k8s.io/client-go/listers/certificates/v1"
	corelisters "k8s.io/client-go/listers/core/v1"
	discoverylisters "k8s.io/client-go/listers/discovery/v1"
	"k8s.io/client-go/tools/record"

	"github.com/causeway-access/causeway/internal/catalog/apiservers"
	"github.com/causeway-access/causeway/internal/controller"
)

// serving approves requests by nodes for the certificates of their own APIs,
// if they are for the node's name and addresses and for nothing else (claims).
// Others are left to people: an event says why. They are looked at again when
// the node changes, since a node asks before it has said where it is.
type serving struct {
	client   kubernetes.Interface
	requests certificateslisters.CertificateSigningRequestLister
	nodes    corelisters.NodeLister
	slices   discoverylisters.EndpointSliceNamespaceLister
	events   record.EventRecorder
	reserved Reserved
}

// servingName is the controller's, in logs and events.
const servingName = "csr-serving-approver"

func newServing(config controller.Config, reserved Reserved) (controller.Controller, error) {
	requests := config.Informers.Certificates().V1().CertificateSigningRequests()
	nodes := config.Informers.Core().V1().Nodes()
	endpoints := config.Informers.Discovery().V1().EndpointSlices()
	s := &serving{
		client: config.Client, requests: requests.Lister(), nodes: nodes.Lister(),
		slices: endpoints.Lister().EndpointSlices(apiservers.Namespace),
		events: config.Recorder(servingName), reserved: reserved,
	}
	loop := controller.NewLoop(servingName, workers, config.For(servingName), s.reconcile)
	loop.Needs(endpoints.Informer().HasSynced)
	if err := controller.Watch(loop, requests.Informer(), keyOf); err != nil {
		return nil, err
	}
	return loop, controller.Watch(loop, nodes.Informer(), s.waiting)
}

// waiting are the requests of a node that are not decided.
func (s *serving) waiting(node *corev1.Node) []string {
	all, err := s.requests.List(labels.Everything())
	if err != nil {
		return nil // the cache never fails
	}
	var names []string
	for _, csr := range all {
		if csr.Spec.Username == nodeUserPrefix+node.Name && !decided(csr) {
			names = append(names, csr.Name)
		}
	}
	return names
}

func (s *serving) reconcile(ctx context.Context, name string) error {
	csr, err := s.requests.Get(name)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading certificate signing request %s: %w", name, err)
	}
	if decided(csr) || csr.Spec.SignerName != certificatesv1.KubeletServingSignerName {
		return nil
	}
	refusal, err := s.refusal(csr)
	if err != nil {
		return err
	}
	if refusal != "" {
		s.events.Eventf(csr, corev1.EventTypeWarning, "NotApproved", "Not approved without a person's word: %s", refusal)
		return nil
	}
	return approve(ctx, s.client, csr, "Auto approving kubelet serving certificate: it is for the node's own name and addresses alone.")
}

// refusal says why the request is not approved; empty if it is.
func (s *serving) refusal(csr *certificatesv1.CertificateSigningRequest) (string, error) {
	request, err := parse(csr)
	if err != nil {
		return err.Error(), nil
	}
	if why := notOfNode(csr, request); why != "" {
		return why, nil
	}
	c := claims{reserved: s.reserved}
	name := strings.TrimPrefix(csr.Spec.Username, nodeUserPrefix)
	all, err := s.nodes.List(labels.Everything())
	if err != nil {
		return "", fmt.Errorf("listing nodes: %w", err)
	}
	for _, node := range all {
		if node.Name == name {
			c.node = node
		} else {
			c.others = append(c.others, node)
		}
	}
	if c.node == nil {
		return fmt.Sprintf("there is no node %s yet", name), nil
	}
	if c.servers, err = s.servers(); err != nil {
		return "", err
	}
	return c.refuse(request), nil
}

// notOfNode says why the request is not one of a node for itself, whatever
// names it has; empty if it is.
func notOfNode(csr *certificatesv1.CertificateSigningRequest, request *x509.CertificateRequest) string {
	switch {
	case !isNodeUser(csr.Spec.Username) || !slices.Contains(csr.Spec.Groups, nodesGroup):
		return fmt.Sprintf("%s is not a node", csr.Spec.Username)
	case request.Subject.CommonName != csr.Spec.Username:
		return fmt.Sprintf("it is for %s and comes from %s", request.Subject.CommonName, csr.Spec.Username)
	case !slices.Equal(request.Subject.Organization, []string{nodesGroup}):
		return fmt.Sprintf("its organization is %q and not %s", request.Subject.Organization, nodesGroup)
	case !servingUsages(csr.Spec.Usages):
		return fmt.Sprintf("its usages are %q and not those of a server", csr.Spec.Usages)
	}
	return ""
}

// servers are the addresses of all API servers.
func (s *serving) servers() ([]netip.Addr, error) {
	found, err := s.slices.List(apiservers.Selector())
	if err != nil {
		return nil, fmt.Errorf("listing the endpoints of the API servers: %w", err)
	}
	var list []netip.Addr
	for _, slice := range found {
		for _, endpoint := range slice.Endpoints {
			for _, text := range endpoint.Addresses {
				if address, err := netip.ParseAddr(text); err == nil {
					list = append(list, address.Unmap())
				}
			}
		}
	}
	return list, nil
}
