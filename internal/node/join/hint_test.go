package join

import (
	"strings"
	"testing"

	certificatesv1 "k8s.io/api/certificates/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
)

func TestWhatToTypeIsSaidOfRequestsThatWait(t *testing.T) {
	csr := func(name, user string, conditions ...certificatesv1.CertificateSigningRequestCondition) *certificatesv1.CertificateSigningRequest {
		return &certificatesv1.CertificateSigningRequest{ObjectMeta: metav1.ObjectMeta{Name: name},
			Spec:   certificatesv1.CertificateSigningRequestSpec{Username: user, SignerName: certificatesv1.KubeletServingSignerName},
			Status: certificatesv1.CertificateSigningRequestStatus{Conditions: conditions}}
	}
	client := fake.NewClientset(csr("mine", "system:node:worker"), csr("theirs", "system:node:other"),
		csr("done", "system:node:worker", certificatesv1.CertificateSigningRequestCondition{Type: certificatesv1.CertificateApproved}))
	if got, want := servingHint(waiting(t.Context(), client, "worker")), `"causeway kubectl certificate approve mine"`; !strings.Contains(got, want) {
		t.Errorf("it says %s, and not %s", got, want)
	}
	if got, want := servingHint(waiting(t.Context(), client, "nobody")), `"causeway kubectl certificate approve NAME"`; !strings.Contains(got, want) {
		t.Errorf("it says %s, and not %s", got, want)
	}
}
