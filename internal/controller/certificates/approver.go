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
	"k8s.io/client-go/kubernetes"
	certificateslisters "k8s.io/client-go/listers/certificates/v1"

	"github.com/causeway-access/causeway/internal/controller"
)

// approver approves requests for a node's client certificate if who asks has
// the right `create` on certificatesigningrequests/selfnodeclient (the node
// itself asks, to renew) or .../nodeclient (somebody asks for the node, with a
// bootstrap token). Whatever else a request may be, people decide on it.
type approver struct {
	client   kubernetes.Interface
	requests certificateslisters.CertificateSigningRequestLister
}

func newApprover(config controller.Config) (controller.Controller, error) {
	requests := config.Informers.Certificates().V1().CertificateSigningRequests()
	a := &approver{client: config.Client, requests: requests.Lister()}
	loop := controller.NewLoop("csr-approver", workers, config.For("csr-approver"), a.reconcile)
	if err := controller.Watch(loop, requests.Informer(), keyOf); err != nil {
		return nil, err
	}
	return loop, nil
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
	approved := csr.DeepCopy()
	approved.Status.Conditions = append(approved.Status.Conditions, certificatesv1.CertificateSigningRequestCondition{
		Type:           certificatesv1.CertificateApproved,
		Status:         corev1.ConditionTrue,
		Reason:         "AutoApproved",
		Message:        message,
		LastUpdateTime: metav1.Now(),
	})
	_, err = a.client.CertificatesV1().CertificateSigningRequests().UpdateApproval(ctx, name, approved, metav1.UpdateOptions{})
	if err != nil {
		return controller.IgnoreGone(fmt.Errorf("approving certificate signing request %s: %w", name, err))
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
	name, ok := strings.CutPrefix(request.Subject.CommonName, nodeUserPrefix)
	return ok && name != "" && slices.Equal(request.Subject.Organization, []string{"system:nodes"}) &&
		len(request.DNSNames)+len(request.IPAddresses)+len(request.EmailAddresses)+len(request.URIs) == 0
}

const nodeUserPrefix = "system:node:"

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
