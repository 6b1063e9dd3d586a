package validation_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"testing"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	"github.com/causeway-access/causeway/internal/apiserver/validation"
)

func requests() schema.GroupResource {
	return schema.GroupResource{Group: certificatesv1.GroupName, Resource: "certificatesigningrequests"}
}

// keyPair makes a request and a certificate in PEM.
func keyPair(t testing.TB) (request, certificate []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	subject := pkix.Name{CommonName: "jane"}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: subject}, key)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: subject, NotAfter: time.Now().Add(time.Hour)}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed})
}

func janesRequest(t testing.TB) (r *certificatesv1.CertificateSigningRequest, certificate []byte) {
	request, certificate := keyPair(t)
	return &certificatesv1.CertificateSigningRequest{
		ObjectMeta: metav1.ObjectMeta{Name: "jane", ResourceVersion: "1"},
		Spec: certificatesv1.CertificateSigningRequestSpec{
			Request: request, SignerName: "kubernetes.io/kube-apiserver-client", Usages: []certificatesv1.KeyUsage{"client auth"},
		},
	}, certificate
}

func TestSigningRequestIsRefusedWhenCreated(t *testing.T) {
	valid, certificate := janesRequest(t)
	signer := func(name string) func(*certificatesv1.CertificateSigningRequest) {
		return func(r *certificatesv1.CertificateSigningRequest) { r.Spec.SignerName = name }
	}
	create := func(obj, _ runtime.Object) field.ErrorList { return validation.For(requests()).Create(obj) }
	at := []string{invalid + " spec.signerName"}
	updates(t, create, valid, []change[*certificatesv1.CertificateSigningRequest]{
		{"as it is", func(*certificatesv1.CertificateSigningRequest) {}, nil},
		{"no request", func(r *certificatesv1.CertificateSigningRequest) { r.Spec.Request = nil }, []string{invalid + " spec.request"}},
		{"a certificate for a request", func(r *certificatesv1.CertificateSigningRequest) { r.Spec.Request = certificate }, []string{invalid + " spec.request"}},
		{"a broken request", func(r *certificatesv1.CertificateSigningRequest) {
			r.Spec.Request = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: []byte("x")})
		}, []string{invalid + " spec.request"}},
		{"no usages", func(r *certificatesv1.CertificateSigningRequest) { r.Spec.Usages = nil }, []string{required + " spec.usages"}},
		{"unknown usage", func(r *certificatesv1.CertificateSigningRequest) { r.Spec.Usages[0] = "fun" }, []string{unsupported + " spec.usages[0]"}},
		{"usage twice", func(r *certificatesv1.CertificateSigningRequest) {
			r.Spec.Usages = append(r.Spec.Usages, "client auth")
		}, []string{duplicate + " spec.usages[1]"}},
		{"no signer", signer(""), []string{required + " spec.signerName"}},
		{"signer without path", signer("example.org"), at},
		{"signer of two paths", signer("example.org/a/b"), at},
		{"signer of one label", signer("example/a"), at},
		{"signer in capitals", signer("Example.org/a"), at},
		{"signer of no path", signer("example.org/"), at},
		{"the signer of old", signer("kubernetes.io/legacy-unknown"), at},
		{"599 seconds", func(r *certificatesv1.CertificateSigningRequest) { r.Spec.ExpirationSeconds = ptr.To[int32](599) }, []string{invalid + " spec.expirationSeconds"}},
		{"600 seconds", func(r *certificatesv1.CertificateSigningRequest) { r.Spec.ExpirationSeconds = ptr.To[int32](600) }, nil},
	})
}

func condition(kind certificatesv1.RequestConditionType, status corev1.ConditionStatus) func(*certificatesv1.CertificateSigningRequest) {
	return func(r *certificatesv1.CertificateSigningRequest) {
		r.Status.Conditions = append(r.Status.Conditions, certificatesv1.CertificateSigningRequestCondition{Type: kind, Status: status})
	}
}

func TestSigningRequestIsDecidedOnce(t *testing.T) {
	old, certificate := janesRequest(t)
	approval := func(obj, old runtime.Object) field.ErrorList {
		return validation.CertificateSigningRequestApprovalUpdate(
			obj.(*certificatesv1.CertificateSigningRequest), old.(*certificatesv1.CertificateSigningRequest))
	}
	rules := validation.For(requests())
	const conditions = " status.conditions"
	certify := func(r *certificatesv1.CertificateSigningRequest) { r.Status.Certificate = certificate }

	updates(t, approval, old, []change[*certificatesv1.CertificateSigningRequest]{
		{"approved", condition("Approved", "True"), nil},
		{"denied", condition("Denied", "True"), nil},
		{"approved by half", condition("Approved", "Unknown"), []string{unsupported + conditions + "[0].status"}},
		{"failed by an approver", condition("Failed", "True"), []string{forbidden + conditions}},
		{"approved and denied", func(r *certificatesv1.CertificateSigningRequest) {
			condition("Approved", "True")(r)
			condition("Denied", "True")(r)
		}, []string{invalid + conditions}},
		{"certified by an approver", certify, []string{forbidden + " status.certificate"}},
	})
	updates(t, rules.Update, old, []change[*certificatesv1.CertificateSigningRequest]{
		{"labels", func(r *certificatesv1.CertificateSigningRequest) { r.Labels = map[string]string{"a": "b"} }, nil},
		{"another signer", func(r *certificatesv1.CertificateSigningRequest) { r.Spec.SignerName = "example.org/b" }, []string{invalid + " spec"}},
		{"approved aside", condition("Approved", "True"), []string{forbidden + conditions}},
	})
	updates(t, rules.Status, old, []change[*certificatesv1.CertificateSigningRequest]{
		{"certified", certify, nil},
		{"certified with nothing", func(r *certificatesv1.CertificateSigningRequest) { r.Status.Certificate = []byte("x") }, []string{invalid + " status.certificate"}},
		{"failed", condition("Failed", "True"), nil},
		{"approved by a signer", condition("Approved", "True"), []string{forbidden + conditions}},
	})

	decided := old.DeepCopy()
	condition("Approved", "True")(decided)
	certify(decided)
	updates(t, approval, decided, []change[*certificatesv1.CertificateSigningRequest]{
		{"withdrawn", func(r *certificatesv1.CertificateSigningRequest) { r.Status.Conditions = nil }, []string{forbidden + conditions}},
		{"reworded", func(r *certificatesv1.CertificateSigningRequest) { r.Status.Conditions[0].Message = "m" }, []string{forbidden + conditions}},
	})
	_, other := keyPair(t)
	updates(t, rules.Status, decided, []change[*certificatesv1.CertificateSigningRequest]{
		{"another certificate", func(r *certificatesv1.CertificateSigningRequest) { r.Status.Certificate = other }, []string{forbidden + " status.certificate"}},
	})
}
