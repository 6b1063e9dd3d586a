package conformance

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	admissionregv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// here selects one namespace.
func here(ns string) *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: ns}}
}

var configMapsWritten = admissionregv1.RuleWithOperations{
	Operations: []admissionregv1.OperationType{admissionregv1.Create, admissionregv1.Update},
	Rule:       admissionregv1.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"configmaps"}},
}

// createMap makes a config map and returns the error.
func createMap(t *testing.T, ns, name string, data map[string]string) (*corev1.ConfigMap, error) {
	return shared.Client.CoreV1().ConfigMaps(ns).Create(t.Context(),
		&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}, Data: data}, metav1.CreateOptions{})
}

func TestPolicyInCELDeniesAndAllows(t *testing.T) {
	ns := shared.Namespace(t)
	api := shared.Client.AdmissionregistrationV1()
	if _, err := api.ValidatingAdmissionPolicies().Create(t.Context(), &admissionregv1.ValidatingAdmissionPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: ns},
		Spec: admissionregv1.ValidatingAdmissionPolicySpec{
			MatchConstraints: &admissionregv1.MatchResources{ResourceRules: []admissionregv1.NamedRuleWithOperations{{RuleWithOperations: configMapsWritten}}},
			Validations:      []admissionregv1.Validation{{Expression: "has(object.data) && 'owner' in object.data", MessageExpression: "object.metadata.name + ' has no owner'"}},
		},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { deleteLater(t, api.ValidatingAdmissionPolicies(), ns) })
	if _, err := api.ValidatingAdmissionPolicyBindings().Create(t.Context(), &admissionregv1.ValidatingAdmissionPolicyBinding{
		ObjectMeta: metav1.ObjectMeta{Name: ns},
		Spec: admissionregv1.ValidatingAdmissionPolicyBindingSpec{
			PolicyName: ns, ValidationActions: []admissionregv1.ValidationAction{admissionregv1.Deny},
			MatchResources: &admissionregv1.MatchResources{NamespaceSelector: here(ns)},
		},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { deleteLater(t, api.ValidatingAdmissionPolicyBindings(), ns) })
	var err error
	eventually(t, "the policy is in force", func() bool {
		_, err = shared.Client.CoreV1().ConfigMaps(ns).Create(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "stray"}}, metav1.CreateOptions{DryRun: []string{"All"}})
		return err != nil
	})
	if !strings.Contains(err.Error(), "ValidatingAdmissionPolicy '"+ns+"' with binding '"+ns+"' denied request: stray has no owner") {
		t.Errorf("the refusal says %v", err)
	}
	if _, err := createMap(t, ns, "kept", map[string]string{"owner": "me"}); err != nil {
		t.Errorf("what the policy wants is refused: %v", err)
	}
	if _, err := createMap(t, shared.Namespace(t), "stray", nil); err != nil {
		t.Errorf("the policy counts in another namespace: %v", err)
	}
}

func TestWebhookIsAskedAndObeyed(t *testing.T) {
	ns := shared.Namespace(t)
	ca, url := webhook(t, func(r *admissionv1.AdmissionRequest) *admissionv1.AdmissionResponse {
		answer := &admissionv1.AdmissionResponse{UID: r.UID, Allowed: r.Name != "bad", Warnings: []string{"asked"}}
		if !answer.Allowed {
			answer.Result = &metav1.Status{Message: "bad is not wanted by " + r.UserInfo.Username, Code: http.StatusForbidden}
		}
		return answer
	})
	api := shared.Client.AdmissionregistrationV1().ValidatingWebhookConfigurations()
	if _, err := api.Create(t.Context(), &admissionregv1.ValidatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: ns},
		Webhooks: []admissionregv1.ValidatingWebhook{{
			Name: "judge.example.org", Rules: []admissionregv1.RuleWithOperations{configMapsWritten}, NamespaceSelector: here(ns),
			ClientConfig: admissionregv1.WebhookClientConfig{URL: &url, CABundle: ca},
			SideEffects:  ptr.To(admissionregv1.SideEffectClassNone), AdmissionReviewVersions: []string{"v1"},
		}},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { deleteLater(t, api, ns) })
	var err error
	eventually(t, "the webhook is asked", func() bool {
		_, err = shared.Client.CoreV1().ConfigMaps(ns).Create(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "bad"}}, metav1.CreateOptions{DryRun: []string{"All"}})
		return err != nil
	})
	if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), `admission webhook "judge.example.org" denied the request: bad is not wanted by admin`) {
		t.Errorf("the refusal says %v", err)
	}
	if _, err := createMap(t, ns, "good", nil); err != nil {
		t.Errorf("what the webhook allows is refused: %v", err)
	}
}

// webhook serves reviews over TLS on loopback; ca verifies it.
func webhook(t *testing.T, judge func(*admissionv1.AdmissionRequest) *admissionv1.AdmissionResponse) (ca []byte, url string) {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var review admissionv1.AdmissionReview
		if err := json.NewDecoder(r.Body).Decode(&review); err != nil || review.Request == nil {
			http.Error(w, "not a review", http.StatusBadRequest)
			return
		}
		review.Response, review.Request = judge(review.Request), nil
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(review); err != nil {
			t.Errorf("answering a review: %v", err)
		}
	}))
	var cert tls.Certificate
	cert, ca = loopbackCertificate(t)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	server.StartTLS()
	t.Cleanup(server.Close)
	return ca, server.URL + "/judge"
}

// loopbackCertificate is a certificate for 127.0.0.1 that signs itself.
func loopbackCertificate(t *testing.T) (tls.Certificate, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}
