package certificates_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	authorizationv1 "k8s.io/api/authorization/v1"
	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/causeway-access/causeway/internal/certs"
	"github.com/causeway-access/causeway/internal/controller"
	"github.com/causeway-access/causeway/internal/controller/certificates"
	"github.com/causeway-access/causeway/internal/controller/controllertest"
)

// ask is a request by user for a certificate of subject.
func ask(t *testing.T, user, signer string, subject pkix.Name, usages ...certificatesv1.KeyUsage) *certificatesv1.CertificateSigningRequest {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: subject}, key)
	if err != nil {
		t.Fatal(err)
	}
	return &certificatesv1.CertificateSigningRequest{
		ObjectMeta: metav1.ObjectMeta{Name: "csr", CreationTimestamp: metav1.Now()},
		Spec: certificatesv1.CertificateSigningRequestSpec{
			Username:   user,
			SignerName: signer,
			Request:    pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}),
			Usages:     usages,
		},
	}
}

// play runs the controllers with the request and an authoriser that grants the
// rights named.
func play(t *testing.T, makeRequest func(*testing.T) *certificatesv1.CertificateSigningRequest, rights []string, story func(context.Context, *testing.T, *fake.Clientset)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		authority, err := certs.OpenAuthority(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		client := controllertest.NewClient(makeRequest(t))
		client.PrependReactor("create", "subjectaccessreviews", func(action clienttesting.Action) (bool, runtime.Object, error) {
			review := action.(clienttesting.CreateAction).GetObject().(*authorizationv1.SubjectAccessReview).DeepCopy()
			for _, right := range rights {
				review.Status.Allowed = review.Status.Allowed || review.Spec.User+" "+review.Spec.ResourceAttributes.Subresource == right
			}
			return true, review, nil
		})
		controllertest.Run(t, client, func(ctx context.Context) {
			time.Sleep(time.Second)
			synctest.Wait()
			story(ctx, t, client)
		}, func(config controller.Config) (controller.Controller, error) {
			return certificates.New(config, certificates.Config{Signer: authority})
		})
	})
}

func get(ctx context.Context, t *testing.T, client *fake.Clientset) *certificatesv1.CertificateSigningRequest {
	t.Helper()
	csr, err := client.CertificatesV1().CertificateSigningRequests().Get(ctx, "csr", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return csr
}

var (
	node   = pkix.Name{CommonName: "system:node:n1", Organization: []string{"system:nodes"}}
	client = []certificatesv1.KeyUsage{certificatesv1.UsageDigitalSignature, certificatesv1.UsageClientAuth}
)

func TestNodesGetTheirClientCertificates(t *testing.T) {
	const signer = certificatesv1.KubeAPIServerClientKubeletSignerName
	for _, test := range []struct {
		name    string
		user    string
		signer  string
		subject pkix.Name
		usages  []certificatesv1.KeyUsage
		rights  []string
		signed  bool
	}{
		{"a bootstrap token asks for a node", "system:bootstrap:abc", signer, node, client, []string{"system:bootstrap:abc nodeclient"}, true},
		{"a node renews its own", "system:node:n1", signer, node, client, []string{"system:node:n1 selfnodeclient"}, true},
		{"a node asks for another node", "system:node:n2", signer, node, client, []string{"system:node:n2 selfnodeclient"}, false},
		{"a user without the right", "mallory", signer, node, client, nil, false},
		{"not a node's name", "system:bootstrap:abc", signer, pkix.Name{CommonName: "root", Organization: []string{"system:nodes"}}, client, []string{"system:bootstrap:abc nodeclient"}, false},
		{"more than a node's group", "system:bootstrap:abc", signer, pkix.Name{CommonName: "system:node:n1", Organization: []string{"system:nodes", "system:masters"}}, client, []string{"system:bootstrap:abc nodeclient"}, false},
		{"a server's usage", "system:bootstrap:abc", signer, node, append([]certificatesv1.KeyUsage{certificatesv1.UsageServerAuth}, client...), []string{"system:bootstrap:abc nodeclient"}, false},
		{"another signer", "system:bootstrap:abc", certificatesv1.KubeAPIServerClientSignerName, node, client, []string{"system:bootstrap:abc nodeclient"}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			play(t, func(t *testing.T) *certificatesv1.CertificateSigningRequest {
				return ask(t, test.user, test.signer, test.subject, test.usages...)
			}, test.rights, func(ctx context.Context, t *testing.T, client *fake.Clientset) {
				csr := get(ctx, t, client)
				if got := len(csr.Status.Certificate) > 0; got != test.signed {
					t.Fatalf("signed: %v, want %v; conditions are %v", got, test.signed, csr.Status.Conditions)
				}
				if !test.signed {
					return
				}
				block, _ := pem.Decode(csr.Status.Certificate)
				certificate, err := x509.ParseCertificate(block.Bytes)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(node.CommonName, certificate.Subject.CommonName); diff != "" {
					t.Errorf("subject (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestWhatBreaksTheSignersRulesFailsWithAReason(t *testing.T) {
	play(t, func(t *testing.T) *certificatesv1.CertificateSigningRequest {
		csr := ask(t, "admin", certificatesv1.KubeAPIServerClientSignerName,
			pkix.Name{CommonName: "me", Organization: []string{"system:masters"}}, client...)
		csr.Status.Conditions = []certificatesv1.CertificateSigningRequestCondition{
			{Type: certificatesv1.CertificateApproved, Status: corev1.ConditionTrue, LastUpdateTime: metav1.Now()},
		}
		return csr
	}, nil, func(ctx context.Context, t *testing.T, client *fake.Clientset) {
		csr := get(ctx, t, client)
		last := csr.Status.Conditions[len(csr.Status.Conditions)-1]
		if last.Type != certificatesv1.CertificateFailed || last.Message == "" || len(csr.Status.Certificate) > 0 {
			t.Errorf("last condition is %v with a certificate of %d bytes, want Failed with a message and none", last, len(csr.Status.Certificate))
		}
	})
}

func TestRequestsAreClearedAway(t *testing.T) {
	with := func(kind certificatesv1.RequestConditionType) []certificatesv1.CertificateSigningRequestCondition {
		return []certificatesv1.CertificateSigningRequestCondition{{Type: kind, Status: corev1.ConditionTrue, LastUpdateTime: metav1.Now()}}
	}
	for _, test := range []struct {
		name       string
		conditions func() []certificatesv1.CertificateSigningRequestCondition
		life       time.Duration
	}{
		{"pending", func() []certificatesv1.CertificateSigningRequestCondition { return nil }, 24 * time.Hour},
		{"denied", func() []certificatesv1.CertificateSigningRequestCondition {
			return with(certificatesv1.CertificateDenied)
		}, time.Hour},
		{"approved and signed", func() []certificatesv1.CertificateSigningRequestCondition {
			return with(certificatesv1.CertificateApproved)
		}, time.Hour},
	} {
		t.Run(test.name, func(t *testing.T) {
			play(t, func(t *testing.T) *certificatesv1.CertificateSigningRequest {
				csr := ask(t, "jane", certificatesv1.KubeAPIServerClientSignerName, pkix.Name{CommonName: "jane"}, client...)
				csr.Status.Conditions = test.conditions()
				return csr
			}, nil, func(ctx context.Context, t *testing.T, client *fake.Clientset) {
				time.Sleep(test.life - time.Minute)
				synctest.Wait()
				get(ctx, t, client)
				time.Sleep(2 * time.Minute)
				synctest.Wait()
				_, err := client.CertificatesV1().CertificateSigningRequests().Get(ctx, "csr", metav1.GetOptions{})
				if !apierrors.IsNotFound(err) {
					t.Errorf("reading the request after its time: error %v, want not found", err)
				}
			})
		})
	}
}
