package certificates

import (
	"context"
	"fmt"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	certificateslisters "k8s.io/client-go/listers/certificates/v1"

	"github.com/causeway-access/causeway/internal/certs"
	"github.com/causeway-access/causeway/internal/controller"
)

// signer puts certificates into approved requests, or says why it cannot.
type signer struct {
	client   kubernetes.Interface
	requests certificateslisters.CertificateSigningRequestLister
	sign     Signer
}

func newSigner(config controller.Config, sign Signer) (controller.Controller, error) {
	requests := config.Informers.Certificates().V1().CertificateSigningRequests()
	s := &signer{client: config.Client, requests: requests.Lister(), sign: sign}
	loop := controller.NewLoop("csr-signer", workers, config.For("csr-signer"), s.reconcile)
	if err := controller.Watch(loop, requests.Informer(), keyOf); err != nil {
		return nil, err
	}
	return loop, nil
}

func (s *signer) reconcile(ctx context.Context, name string) error {
	csr, err := s.requests.Get(name)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading certificate signing request %s: %w", name, err)
	}
	if !toSign(csr) {
		return nil
	}
	signed := csr.DeepCopy()
	certificate, err := s.certificate(csr)
	if err != nil {
		signed.Status.Conditions = append(signed.Status.Conditions, certificatesv1.CertificateSigningRequestCondition{
			Type:           certificatesv1.CertificateFailed,
			Status:         corev1.ConditionTrue,
			Reason:         "SignerValidationFailure",
			Message:        err.Error(),
			LastUpdateTime: metav1.Now(),
		})
	} else {
		signed.Status.Certificate = certificate
	}
	_, err = s.client.CertificatesV1().CertificateSigningRequests().UpdateStatus(ctx, signed, metav1.UpdateOptions{})
	if err != nil {
		return controller.IgnoreGone(fmt.Errorf("writing the status of certificate signing request %s: %w", name, err))
	}
	return nil
}

func toSign(csr *certificatesv1.CertificateSigningRequest) bool {
	return certs.Serves(csr.Spec.SignerName) && len(csr.Status.Certificate) == 0 && csr.DeletionTimestamp == nil &&
		condition(csr, certificatesv1.CertificateApproved) != nil &&
		condition(csr, certificatesv1.CertificateDenied) == nil &&
		condition(csr, certificatesv1.CertificateFailed) == nil
}

func (s *signer) certificate(csr *certificatesv1.CertificateSigningRequest) ([]byte, error) {
	request, err := parse(csr)
	if err != nil {
		return nil, err
	}
	description := certs.Request{Signer: csr.Spec.SignerName, Usages: csr.Spec.Usages}
	if csr.Spec.ExpirationSeconds != nil {
		description.Validity = time.Duration(*csr.Spec.ExpirationSeconds) * time.Second
	}
	return s.sign.SignRequest(request, description)
}
