package certs_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/causeway-access/causeway/internal/certs"
	"github.com/google/go-cmp/cmp"
	certificatesv1 "k8s.io/api/certificates/v1"
)

// request makes a real request, signed by a new key.
func request(t *testing.T, template *x509.CertificateRequest) *x509.CertificateRequest {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return requestWith(t, template, key)
}

func requestWith(t *testing.T, template *x509.CertificateRequest, key any) *x509.CertificateRequest {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, template, key)
	if err != nil {
		t.Fatal(err)
	}
	csr, err := x509.ParseCertificateRequest(der)
	if err != nil {
		t.Fatal(err)
	}
	return csr
}

func node(name string) pkix.Name {
	return pkix.Name{CommonName: "system:node:" + name, Organization: []string{"system:nodes"}}
}

func TestRequestsAreSignedByTheRulesOfTheirSigner(t *testing.T) {
	const (
		api     = certificatesv1.KubeAPIServerClientSignerName
		kubelet = certificatesv1.KubeAPIServerClientKubeletSignerName
		serving = certificatesv1.KubeletServingSignerName
	)
	client := []certificatesv1.KeyUsage{certificatesv1.UsageClientAuth, certificatesv1.UsageDigitalSignature}
	server := []certificatesv1.KeyUsage{certificatesv1.UsageServerAuth, certificatesv1.UsageDigitalSignature, certificatesv1.UsageKeyEncipherment}
	alice := pkix.Name{CommonName: "alice", Organization: []string{"developers"}}
	ips := []net.IP{net.IPv4(10, 0, 0, 1)}
	authority := open(t, t.TempDir())
	for _, tt := range []struct {
		name   string
		signer string
		usages []certificatesv1.KeyUsage
		csr    x509.CertificateRequest
		life   time.Duration
		refuse string
	}{
		{name: "a user", signer: api, usages: client, csr: x509.CertificateRequest{Subject: alice}},
		{name: "a user for ten minutes", signer: api, usages: client, csr: x509.CertificateRequest{Subject: alice}, life: 10 * time.Minute},
		{name: "a node's client", signer: kubelet, usages: client, csr: x509.CertificateRequest{Subject: node("n1")}},
		{name: "a node's server", signer: serving, usages: server, csr: x509.CertificateRequest{Subject: node("n1"), DNSNames: []string{"n1"}, IPAddresses: ips}},

		{name: "unknown signer", signer: "example.com/x", usages: client, csr: x509.CertificateRequest{Subject: alice}, refuse: "not served"},
		{name: "legacy signer", signer: "kubernetes.io/legacy-unknown", usages: client, csr: x509.CertificateRequest{Subject: alice}, refuse: "not served"},
		{name: "a master", signer: api, usages: client, csr: x509.CertificateRequest{Subject: pkix.Name{CommonName: "a", Organization: []string{"x", "system:masters"}}}, refuse: "system:masters"},
		{name: "nobody", signer: api, usages: client, refuse: "common name"},
		{name: "a user as server", signer: api, usages: server, csr: x509.CertificateRequest{Subject: alice}, refuse: `must include "client auth"`},
		{name: "a user as both", signer: api, usages: append([]certificatesv1.KeyUsage{certificatesv1.UsageServerAuth}, client...), csr: x509.CertificateRequest{Subject: alice}, refuse: `"server auth" is not allowed`},
		{name: "no usages", signer: api, csr: x509.CertificateRequest{Subject: alice}, refuse: "must include"},
		{name: "too short", signer: api, usages: client, csr: x509.CertificateRequest{Subject: alice}, life: time.Minute, refuse: "too short"},
		{name: "a user as node", signer: kubelet, usages: client, csr: x509.CertificateRequest{Subject: alice}, refuse: "system:nodes"},
		{name: "a node in more groups", signer: kubelet, usages: client, csr: x509.CertificateRequest{Subject: pkix.Name{CommonName: "system:node:a", Organization: []string{"system:nodes", "x"}}}, refuse: "system:nodes"},
		{name: "a node without name", signer: kubelet, usages: client, csr: x509.CertificateRequest{Subject: node("")}, refuse: "system:node:"},
		{name: "a node's client with addresses", signer: kubelet, usages: client, csr: x509.CertificateRequest{Subject: node("a"), IPAddresses: ips}, refuse: "alternative names"},
		{name: "a node's server without addresses", signer: serving, usages: server, csr: x509.CertificateRequest{Subject: node("a")}, refuse: "at least one"},
		{name: "a node's server with a URI", signer: serving, usages: server, csr: x509.CertificateRequest{Subject: node("a"), DNSNames: []string{"a"}, URIs: []*url.URL{{Scheme: "spiffe", Host: "a"}}}, refuse: "URI"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			csr := request(t, &tt.csr)
			certPEM, err := authority.SignRequest(csr, certs.Request{Signer: tt.signer, Usages: tt.usages, Validity: tt.life})
			if tt.refuse != "" {
				if err == nil || !strings.Contains(err.Error(), tt.refuse) {
					t.Fatalf("error = %v, want one that says %q", err, tt.refuse)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			cert := parse(t, certPEM)
			if diff := cmp.Diff(csr.Subject.String(), cert.Subject.String()); diff != "" {
				t.Error(diff)
			}
			usage := x509.ExtKeyUsageClientAuth
			if tt.signer == serving {
				usage = x509.ExtKeyUsageServerAuth
			}
			if diff := cmp.Diff([]x509.ExtKeyUsage{usage}, cert.ExtKeyUsage); diff != "" {
				t.Error(diff)
			}
			want := tt.life
			if want == 0 {
				want = certs.LeafLife
			}
			if left := time.Until(cert.NotAfter); left > want || left < want-time.Minute {
				t.Errorf("it lives for %s, want %s", left, want)
			}
			if cert.IsCA {
				t.Error("an authority was issued")
			}
		})
	}
}

func TestExtensionsThatNobodyCheckedAreDropped(t *testing.T) {
	csr := request(t, &x509.CertificateRequest{
		Subject:         pkix.Name{CommonName: "alice"},
		ExtraExtensions: []pkix.Extension{{Id: []int{2, 5, 29, 19}, Critical: true, Value: []byte{0x30, 3, 1, 1, 0xff}}}, // CA:TRUE
	})
	certPEM, err := open(t, t.TempDir()).SignRequest(csr, certs.Request{
		Signer: certificatesv1.KubeAPIServerClientSignerName, Usages: []certificatesv1.KeyUsage{certificatesv1.UsageClientAuth},
	})
	if err != nil {
		t.Fatal(err)
	}
	if cert := parse(t, certPEM); cert.IsCA {
		t.Error("the request made itself an authority")
	}
}

func TestRequestMustBeSignedByItsKey(t *testing.T) {
	csr := request(t, &x509.CertificateRequest{Subject: pkix.Name{CommonName: "alice"}})
	csr.Signature[len(csr.Signature)-1] ^= 1
	_, err := open(t, t.TempDir()).SignRequest(csr, certs.Request{
		Signer: certificatesv1.KubeAPIServerClientSignerName, Usages: []certificatesv1.KeyUsage{certificatesv1.UsageClientAuth},
	})
	if err == nil || !strings.Contains(err.Error(), "own key") {
		t.Errorf("error = %v", err)
	}
}

func TestWeakKeysAreRefused(t *testing.T) {
	t.Setenv("GODEBUG", "rsa1024min=0")
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	csr := requestWith(t, &x509.CertificateRequest{Subject: pkix.Name{CommonName: "alice"}}, key)
	_, err = open(t, t.TempDir()).SignRequest(csr, certs.Request{
		Signer: certificatesv1.KubeAPIServerClientSignerName, Usages: []certificatesv1.KeyUsage{certificatesv1.UsageClientAuth},
	})
	if err == nil || !strings.Contains(err.Error(), "2048") {
		t.Errorf("error = %v", err)
	}
}
