package testcluster

import (
	"context"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// Namespace makes a namespace with a name of its own, for one test, and
// deletes it in the end.
func (c *Cluster) Namespace(t testing.TB) string {
	t.Helper()
	ns, err := c.Client.CoreV1().Namespaces().Create(t.Context(),
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatalf("making a namespace: %v", err)
	}
	t.Cleanup(func() {
		// The context of the test has ended by now. A test that deletes its
		// namespace itself leaves nothing to do.
		_ = c.Client.CoreV1().Namespaces().Delete(context.WithoutCancel(t.Context()), ns.Name, metav1.DeleteOptions{})
	})
	return ns.Name
}

// WithToken is a configuration that shows a bearer token and no certificate.
func (c *Cluster) WithToken(token string) *rest.Config {
	cfg := rest.AnonymousClientConfig(c.REST)
	cfg.QPS, cfg.BearerToken = -1, token
	return cfg
}

// As is a client that the administrator uses in another's name.
func (c *Cluster) As(t testing.TB, user string, groups ...string) kubernetes.Interface {
	t.Helper()
	cfg := rest.CopyConfig(c.REST)
	cfg.Impersonate = rest.ImpersonationConfig{UserName: user, Groups: groups}
	return NewClient(t, cfg)
}

// NewClient makes a client or ends the test.
func NewClient(t testing.TB, cfg *rest.Config) kubernetes.Interface {
	t.Helper()
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		t.Fatalf("making a client: %v", err)
	}
	return client
}
