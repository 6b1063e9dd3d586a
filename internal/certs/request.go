package certs

import (
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
)

// MinRequestLife is the shortest validity a request may ask for
// (CertificateSigningRequest.spec.expirationSeconds).
const MinRequestLife = 10 * time.Minute

// Request is what a CertificateSigningRequest asks of a signer.
type Request struct {
	// Signer is spec.signerName; SignRequest serves
	// kubernetes.io/kube-apiserver-client, .../kubelet-serving and
	// .../kube-apiserver-client-kubelet.
	Signer string
	// Usages is spec.usages.
	Usages []certificatesv1.KeyUsage
	// Validity is spec.expirationSeconds; LeafLife if zero or longer than that.
	Validity time.Duration
}

// Serves tells whether SignRequest knows the signer.
func Serves(signer string) bool {
	_, ok := ruleFor(signer)
	return ok
}

// SignRequest signs the key of csr by the rules that Kubernetes documents for
// the named signer. An error says which rule was broken; its text is meant for
// the request's Failed condition. Extensions other than the names are dropped.
func (a *Authority) SignRequest(csr *x509.CertificateRequest, request Request) (certPEM []byte, err error) {
	rule, ok := ruleFor(request.Signer)
	if !ok {
		return nil, fmt.Errorf("signer %q is not served here", request.Signer)
	}
	if err := csr.CheckSignature(); err != nil {
		return nil, fmt.Errorf("the request is not signed by its own key: %w", err)
	}
	if key, ok := csr.PublicKey.(*rsa.PublicKey); ok && key.N.BitLen() < 2048 {
		return nil, fmt.Errorf("RSA keys need at least 2048 bits, this one has %d", key.N.BitLen())
	}
	if err := rule.checkUsages(request.Usages); err != nil {
		return nil, err
	}
	if err := rule.check(csr); err != nil {
		return nil, err
	}
	if request.Validity != 0 && request.Validity < MinRequestLife {
		return nil, fmt.Errorf("a validity of %s is too short, at least %s is needed", request.Validity, MinRequestLife)
	}
	return a.issueFor(Leaf{
		CommonName:    csr.Subject.CommonName,
		Organizations: csr.Subject.Organization,
		DNSNames:      csr.DNSNames,
		IPs:           csr.IPAddresses,
		Client:        rule.usage == certificatesv1.UsageClientAuth,
		Server:        rule.usage == certificatesv1.UsageServerAuth,
		Validity:      min(request.Validity, LeafLife),
	}, csr.PublicKey)
}

// signerRule is what one signer demands of a request.
type signerRule struct {
	usage certificatesv1.KeyUsage
	check func(*x509.CertificateRequest) error
}

func ruleFor(signer string) (signerRule, bool) {
	switch signer {
	case certificatesv1.KubeAPIServerClientSignerName:
		return signerRule{certificatesv1.UsageClientAuth, checkAPIClient}, true
	case certificatesv1.KubeAPIServerClientKubeletSignerName:
		return signerRule{certificatesv1.UsageClientAuth, checkKubeletClient}, true
	case certificatesv1.KubeletServingSignerName:
		return signerRule{certificatesv1.UsageServerAuth, checkKubeletServing}, true
	}
	return signerRule{}, false
}

// checkUsages wants the signer's own usage and allows the two that go with any
// TLS key besides it.
func (r signerRule) checkUsages(usages []certificatesv1.KeyUsage) error {
	if !slices.Contains(usages, r.usage) {
		return fmt.Errorf("usages must include %q", r.usage)
	}
	for _, usage := range usages {
		switch usage {
		case r.usage, certificatesv1.UsageDigitalSignature, certificatesv1.UsageKeyEncipherment:
		default:
			return fmt.Errorf("usage %q is not allowed for this signer", usage)
		}
	}
	return nil
}

// checkAPIClient keeps the group that no authoriser ever refuses out of the
// reach of those who may merely approve requests.
func checkAPIClient(csr *x509.CertificateRequest) error {
	if slices.Contains(csr.Subject.Organization, "system:masters") {
		return errors.New("use of kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed")
	}
	if csr.Subject.CommonName == "" {
		return errors.New("the subject needs a common name: it is the user")
	}
	return nil
}

func checkKubeletClient(csr *x509.CertificateRequest) error {
	if err := checkNodeSubject(csr); err != nil {
		return err
	}
	if len(csr.DNSNames)+len(csr.IPAddresses)+len(csr.EmailAddresses)+len(csr.URIs) > 0 {
		return errors.New("a node's client certificate must not have subject alternative names")
	}
	return nil
}

func checkKubeletServing(csr *x509.CertificateRequest) error {
	if err := checkNodeSubject(csr); err != nil {
		return err
	}
	if len(csr.EmailAddresses)+len(csr.URIs) > 0 {
		return errors.New("a node's serving certificate must not have e-mail or URI names")
	}
	if len(csr.DNSNames)+len(csr.IPAddresses) == 0 {
		return errors.New("a node's serving certificate needs at least one DNS name or IP address")
	}
	return nil
}

func checkNodeSubject(csr *x509.CertificateRequest) error {
	if !slices.Equal(csr.Subject.Organization, []string{"system:nodes"}) {
		return fmt.Errorf("subject organization is not system:nodes but %q", csr.Subject.Organization)
	}
	if name, ok := strings.CutPrefix(csr.Subject.CommonName, "system:node:"); !ok || name == "" {
		return fmt.Errorf("subject common name %q does not begin with system:node:", csr.Subject.CommonName)
	}
	return nil
}
