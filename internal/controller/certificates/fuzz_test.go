package certificates

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"strings"
	"testing"

	certificatesv1 "k8s.io/api/certificates/v1"
)

// FuzzForNodeClient holds that what is taken for a node's request names a node
// and no group but the nodes'.
func FuzzForNodeClient(f *testing.F) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	for _, subject := range []pkix.Name{
		{CommonName: "system:node:n1", Organization: []string{"system:nodes"}},
		{CommonName: "system:node:", Organization: []string{"system:nodes"}},
		{CommonName: "system:node:n1", Organization: []string{"system:nodes", "system:masters"}},
	} {
		der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: subject}, key)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
	}
	f.Add([]byte("-----BEGIN CERTIFICATE REQUEST-----\n-----END CERTIFICATE REQUEST-----\n"))
	f.Fuzz(func(t *testing.T, request []byte) {
		csr := &certificatesv1.CertificateSigningRequest{Spec: certificatesv1.CertificateSigningRequestSpec{
			SignerName: certificatesv1.KubeAPIServerClientKubeletSignerName,
			Request:    request,
			Usages:     []certificatesv1.KeyUsage{certificatesv1.UsageDigitalSignature, certificatesv1.UsageClientAuth},
		}}
		if !forNodeClient(csr) {
			return
		}
		parsed, err := parse(csr)
		if err != nil {
			t.Fatalf("taken for a node's though it cannot be read: %v", err)
		}
		node, ok := strings.CutPrefix(parsed.Subject.CommonName, "system:node:")
		if groups := parsed.Subject.Organization; !ok || node == "" || len(groups) != 1 || groups[0] != "system:nodes" {
			t.Errorf("taken for a node's: %s", parsed.Subject)
		}
	})
}
