package proxy

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
)

// makeServices makes a service for each backend, and lets the user reach them.
func makeServices(ctx context.Context, client kubernetes.Interface) error {
	for name, port := range backendPorts() {
		if err := makeService(ctx, client, name, int32(port)); err != nil {
			return fmt.Errorf("make service %s: %w", name, err)
		}
	}
	role := &rbacv1.Role{
		ObjectMeta: metav1.ObjectMeta{Name: userName},
		Rules: []rbacv1.PolicyRule{
			{Verbs: []string{"get", "create"}, APIGroups: []string{""}, Resources: []string{"services/proxy"}},
			{Verbs: []string{"get", "list", "watch"}, APIGroups: []string{""}, Resources: []string{"configmaps"}},
		},
	}
	binding := &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: userName},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.UserKind, Name: userName, APIGroup: rbacv1.GroupName}},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: userName},
	}
	_, err1 := client.RbacV1().Roles("default").Create(ctx, role, metav1.CreateOptions{})
	_, err2 := client.RbacV1().RoleBindings("default").Create(ctx, binding, metav1.CreateOptions{})
	return errors.Join(err1, err2)
}

func makeService(ctx context.Context, client kubernetes.Interface, name string, port int32) error {
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}},
	}
	slice := &discoveryv1.EndpointSlice{
		ObjectMeta:  metav1.ObjectMeta{Name: name, Labels: map[string]string{discoveryv1.LabelServiceName: name}},
		AddressType: discoveryv1.AddressTypeIPv4,
		Ports:       []discoveryv1.EndpointPort{{Name: new(string), Port: &port}},
		Endpoints:   []discoveryv1.Endpoint{{Addresses: []string{backendAddress}}},
	}
	_, err1 := client.CoreV1().Services("default").Create(ctx, service, metav1.CreateOptions{})
	_, err2 := client.DiscoveryV1().EndpointSlices("default").Create(ctx, slice, metav1.CreateOptions{})
	return errors.Join(err1, err2)
}

// clientCertificate has the cluster sign a certificate for the user, and
// returns a file of it and its key.
func (b *bench) clientCertificate(ctx context.Context, client kubernetes.Interface) (string, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", err
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: userName}}, key)
	if err != nil {
		return "", err
	}
	requests := client.CertificatesV1().CertificateSigningRequests()
	request, err := requests.Create(ctx, &certificatesv1.CertificateSigningRequest{
		ObjectMeta: metav1.ObjectMeta{Name: userName},
		Spec: certificatesv1.CertificateSigningRequestSpec{
			Request:    pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}),
			SignerName: certificatesv1.KubeAPIServerClientSignerName,
			Usages:     []certificatesv1.KeyUsage{certificatesv1.UsageClientAuth},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		return "", err
	}
	request.Status.Conditions = []certificatesv1.CertificateSigningRequestCondition{{
		Type: certificatesv1.CertificateApproved, Status: corev1.ConditionTrue, Reason: "Bench",
	}}
	if _, err := requests.UpdateApproval(ctx, userName, request, metav1.UpdateOptions{}); err != nil {
		return "", err
	}
	err = wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, patience, true, func(ctx context.Context) (bool, error) {
		request, err = requests.Get(ctx, userName, metav1.GetOptions{})
		return err == nil && len(request.Status.Certificate) > 0, err
	})
	if err != nil {
		return "", fmt.Errorf("have a client certificate signed: %w", err)
	}
	keyText, err := encodeKey(key)
	if err != nil {
		return "", err
	}
	return b.writeConfig("client.pem", string(request.Status.Certificate)+string(keyText))
}
