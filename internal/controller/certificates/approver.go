package certificates

import (
	"context"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"

	authorizationv1 "k8s.io/api/authorization/v1"
	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/client-go/kubernetes"
	certificateslisters "k8s.io/client-go/listers/certificates/v1"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/record"

	"github.com/causeway-access/causeway/internal/controller"
)

// approver approves requests for a node's client certificate if who asks has
// the right `create` on certificatesigningrequests/selfnodeclient (the node
// itself asks, to renew) or .../nodeclient (somebody asks for the node, with a
// bootstrap token, and no living node has the name). Whatever else a request
// may be, people decide on it.
type approver struct {
	client   kubernetes.Interface
	requests certificateslisters.CertificateSigningRequestLister
	nodes    corelisters.NodeLister
	events   record.EventRecorder
}

const approverName = "csr-approver"

func newApprover(config controller.Config) (controller.Controller, error) {
	requests := config.Informers.Certificates().V1().CertificateSigningRequests()
	nodes := config.Informers.Core().V1().Nodes()
	a := &approver{client: config.Client, requests: requests.Lister(), nodes: nodes.Lister(), events: config.Recorder(approverName)}
	loop := controller.NewLoop(approverName, workers, config.For(approverName), a.reconcile)
	if err := controller.Watch(loop, requests.Informer(), keyOf); err != nil {
		return nil, err
	}
	// A node that falls silent, or goes, sets its name free.
	return loop, controller.Watch(loop, nodes.Informer(), a.waiting)
}

func (a *approver) reconcile(ctx context.Context, name string) error {
	csr, err := a.requests.Get(name)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading certificate signing request %s: %w", name, err)
	}
	if decided(csr) || !forNodeClient(csr) {
		return nil
	}
	right, message := "nodeclient", "Auto approving kubelet client certificate after SubjectAccessReview."
	if forItself(csr) {
		right, message = "selfnodeclient", "Auto approving self kubelet client certificate after SubjectAccessReview."
	}
	allowed, err := a.allowed(ctx, csr, right)
	if err != nil || !allowed {
		return err
	}
	if !forItself(csr) {
		if why := a.taken(csr); why != "" {
			a.events.Eventf(csr, corev1.EventTypeWarning, "NotApproved", "Not approved without a person's word: %s", why)
			return nil
		}
	}
	return approve(ctx, a.client, csr, message)
}

// taken says that the node asked for is somebody else's: whoever has a
// bootstrap token must not become a node that runs, with all that its pods may.
// A node that has been silent until the control plane noticed can be set up
// anew by a token. kubeadm's join refuses a name for the same reason.
func (a *approver) taken(csr *certificatesv1.CertificateSigningRequest) string {
	request, err := parse(csr)
	if err != nil {
		return err.Error()
	}
	name := strings.TrimPrefix(request.Subject.CommonName, nodeUserPrefix)
	node, err := a.nodes.Get(name)
	if err != nil { // there is none: a cache has no other error
		return ""
	}
	for _, c := range node.Status.Conditions {
		if c.Type == corev1.NodeReady && c.Status != corev1.ConditionUnknown {
			return fmt.Sprintf("node %s is there and lives; delete it, or choose another name", name)
		}
	}
	return ""
}

// waiting are the requests for a node that are not decided.
func (a *approver) waiting(node *corev1.Node) []string {
	all, err := a.requests.List(labels.Everything())
	if err != nil {
		return nil // the cache never fails
	}
	var names []string
	for _, csr := range all {
		if decided(csr) || csr.Spec.SignerName != certificatesv1.KubeAPIServerClientKubeletSignerName {
			continue
		}
		if request, err := parse(csr); err == nil && request.Subject.CommonName == nodeUserPrefix+node.Name {
			names = append(names, csr.Name)
		}
	}
	return names
}

// approve writes that a request is approved.
func approve(ctx context.Context, client kubernetes.Interface, csr *certificatesv1.CertificateSigningRequest, message string) error {
	approved := csr.DeepCopy()
	approved.Status.Conditions = append(approved.Status.Conditions, certificatesv1.CertificateSigningRequestCondition{
		Type:           certificatesv1.CertificateApproved,
		Status:         corev1.ConditionTrue,
		Reason:         "AutoApproved",
		Message:        message,
		LastUpdateTime: metav1.Now(),
	})
	_, err := client.CertificatesV1().CertificateSigningRequests().UpdateApproval(ctx, csr.Name, approved, metav1.UpdateOptions{})
	if err != nil {
		return controller.IgnoreGone(fmt.Errorf("approving certificate signing request %s: %w", csr.Name, err))
	}
	return nil
}

func decided(csr *certificatesv1.CertificateSigningRequest) bool {
	return len(csr.Status.Certificate) > 0 || csr.DeletionTimestamp != nil ||
		condition(csr, certificatesv1.CertificateApproved) != nil ||
		condition(csr, certificatesv1.CertificateDenied) != nil
}

// forNodeClient reports that csr asks for a client certificate of a node and
// for nothing more.
func forNodeClient(csr *certificatesv1.CertificateSigningRequest) bool {
	if csr.Spec.SignerName != certificatesv1.KubeAPIServerClientKubeletSignerName {
		return false
	}
	request, err := parse(csr)
	return err == nil && nodeSubject(request) && clientUsages(csr.Spec.Usages)
}

func nodeSubject(request *x509.CertificateRequest) bool {
	return isNodeUser(request.Subject.CommonName) && slices.Equal(request.Subject.Organization, []string{nodesGroup}) &&
		len(request.DNSNames)+len(request.IPAddresses)+len(request.EmailAddresses)+len(request.URIs) == 0
}

const (
	nodeUserPrefix = "system:node:"
	nodesGroup     = "system:nodes"
)

// isNodeUser tells whether a user is that of a node that could be.
func isNodeUser(user string) bool {
	name, ok := strings.CutPrefix(user, nodeUserPrefix)
	return ok && len(validation.IsDNS1123Subdomain(name)) == 0
}

func clientUsages(usages []certificatesv1.KeyUsage) bool {
	for _, usage := range usages {
		switch usage {
		case certificatesv1.UsageClientAuth, certificatesv1.UsageDigitalSignature, certificatesv1.UsageKeyEncipherment:
		default:
			return false
		}
	}
	return slices.Contains(usages, certificatesv1.UsageClientAuth) && slices.Contains(usages, certificatesv1.UsageDigitalSignature)
}

// forItself reports that who asks is the node in question.
func forItself(csr *certificatesv1.CertificateSigningRequest) bool {
	request, err := parse(csr)
	return err == nil && csr.Spec.Username == request.Subject.CommonName
}

// allowed asks the API whether who made csr has the right. The API server wrote
// into csr itself who that was.
func (a *approver) allowed(ctx context.Context, csr *certificatesv1.CertificateSigningRequest, right string) (bool, error) {
	extra := map[string]authorizationv1.ExtraValue{}
	for key, values := range csr.Spec.Extra {
		extra[key] = authorizationv1.ExtraValue(values)
	}
	review, err := a.client.AuthorizationV1().SubjectAccessReviews().Create(ctx, &authorizationv1.SubjectAccessReview{
		Spec: authorizationv1.SubjectAccessReviewSpec{
			User:   csr.Spec.Username,
			UID:    csr.Spec.UID,
			Groups: csr.Spec.Groups,
			Extra:  extra,
			ResourceAttributes: &authorizationv1.ResourceAttributes{
				Group:       certificatesv1.GroupName,
				Version:     "*",
				Resource:    "certificatesigningrequests",
				Subresource: right,
				Verb:        "create",
			},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		return false, fmt.Errorf("asking whether %s may have certificate signing request %s approved: %w", csr.Spec.Username, csr.Name, err)
	}
	return review.Status.Allowed, nil
}
