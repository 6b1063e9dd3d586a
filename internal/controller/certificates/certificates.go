// Package certificates handles CertificateSigningRequests: it approves those by
// which nodes get their client certificates (approver.go) and those of their
// own APIs (serving.go, by the rules in claims.go), signs what is approved for
// the signers that this cluster serves, and removes requests that are done with.
//
// Floor 2: a client of the API; it knows of certs how a request is described.
package certificates

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"

	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/causeway-access/causeway/internal/certs"
	"github.com/causeway-access/causeway/internal/controller"
)

const workers = 2

// Signer signs for the cluster's authority.
type Signer interface {
	// SignRequest signs csr by the rules of request.Signer. Its error says
	// which rule was broken and is shown to whoever asked.
	SignRequest(csr *x509.CertificateRequest, request certs.Request) (certPEM []byte, err error)
}

// Config is what the controllers of this package need to know.
type Config struct {
	// Signer signs. Required.
	Signer Signer
	// Reserved are what no node's serving certificate may be for.
	Reserved Reserved
}

// New makes the controllers of certificate signing requests.
func New(config controller.Config, own Config) (controller.Controller, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	if own.Signer == nil {
		return nil, fmt.Errorf("configuring controller certificates: no signer given")
	}
	approver, err := newApprover(config)
	if err != nil {
		return nil, err
	}
	serving, err := newServing(config, own.Reserved)
	if err != nil {
		return nil, err
	}
	signer, err := newSigner(config, own.Signer)
	if err != nil {
		return nil, err
	}
	cleaner, err := newCleaner(config)
	if err != nil {
		return nil, err
	}
	return controller.Group("certificates", approver, serving, signer, cleaner), nil
}

// keyOf is the key of the loops of this package: requests are cluster-wide.
func keyOf(csr *certificatesv1.CertificateSigningRequest) []string { return []string{csr.Name} }

// parse reads the PKCS #10 request in spec.request.
func parse(csr *certificatesv1.CertificateSigningRequest) (*x509.CertificateRequest, error) {
	block, _ := pem.Decode(csr.Spec.Request)
	if block == nil || block.Type != "CERTIFICATE REQUEST" {
		return nil, errors.New("spec.request is not a PEM block of type CERTIFICATE REQUEST")
	}
	request, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("spec.request: %w", err)
	}
	return request, nil
}

// condition is the condition of that type, if it is true.
func condition(csr *certificatesv1.CertificateSigningRequest, kind certificatesv1.RequestConditionType) *certificatesv1.CertificateSigningRequestCondition {
	for i := range csr.Status.Conditions {
		found := &csr.Status.Conditions[i]
		// The API sets an empty status to True, but did not always.
		if found.Type == kind && (found.Status == corev1.ConditionTrue || found.Status == "") {
			return found
		}
	}
	return nil
}
