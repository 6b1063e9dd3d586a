package certificates

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	certificateslisters "k8s.io/client-go/listers/certificates/v1"
	"k8s.io/utils/ptr"

	"github.com/causeway-access/causeway/internal/controller"
)

const (
	// doneLife is how long a request that was answered is kept: time enough
	// for whoever asked to fetch the certificate or read why there is none.
	doneLife = time.Hour

	// pendingLife is how long a request waits for an answer.
	pendingLife = 24 * time.Hour
)

// cleaner deletes requests that are done with.
type cleaner struct {
	client   kubernetes.Interface
	requests certificateslisters.CertificateSigningRequestLister
	loop     *controller.Loop[string]
}

func newCleaner(config controller.Config) (controller.Controller, error) {
	requests := config.Informers.Certificates().V1().CertificateSigningRequests()
	c := &cleaner{client: config.Client, requests: requests.Lister()}
	c.loop = controller.NewLoop("csr-cleaner", 1, config.For("csr-cleaner"), c.reconcile)
	if err := controller.Watch(c.loop, requests.Informer(), keyOf); err != nil {
		return nil, err
	}
	return c.loop, nil
}

func (c *cleaner) reconcile(ctx context.Context, name string) error {
	csr, err := c.requests.Get(name)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading certificate signing request %s: %w", name, err)
	}
	if left := time.Until(end(csr)); left > 0 {
		c.loop.AddAfter(name, left)
		return nil
	}
	err = c.client.CertificatesV1().CertificateSigningRequests().Delete(ctx, name, metav1.DeleteOptions{
		Preconditions: &metav1.Preconditions{UID: ptr.To(csr.UID)},
	})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("deleting certificate signing request %s, which is done with: %w", name, err)
	}
	return nil
}

// end is when csr is done with.
func end(csr *certificatesv1.CertificateSigningRequest) time.Time {
	for _, final := range []certificatesv1.RequestConditionType{certificatesv1.CertificateDenied, certificatesv1.CertificateFailed} {
		if found := condition(csr, final); found != nil {
			return found.LastUpdateTime.Add(doneLife)
		}
	}
	approved := condition(csr, certificatesv1.CertificateApproved)
	switch {
	case approved == nil:
		return csr.CreationTimestamp.Add(pendingLife)
	case len(csr.Status.Certificate) == 0:
		return approved.LastUpdateTime.Add(pendingLife)
	}
	answered := approved.LastUpdateTime.Add(doneLife)
	if expiry, ok := expiryOf(csr.Status.Certificate); ok && expiry.Before(answered) {
		return expiry
	}
	return answered
}

func expiryOf(certificate []byte) (time.Time, bool) {
	block, _ := pem.Decode(certificate)
	if block == nil {
		return time.Time{}, false
	}
	parsed, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return time.Time{}, false
	}
	return parsed.NotAfter, true
}
