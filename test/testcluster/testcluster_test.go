package testcluster

import (
	"os"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/causeway-access/causeway/internal/cluster"
)

func TestClusterAnswersItsCredentialsAndLeavesNothing(t *testing.T) {
	c, err := Start(cluster.Config{})
	if err != nil {
		t.Fatal(err)
	}
	ns, err := c.Client.CoreV1().Namespaces().Get(t.Context(), "default", metav1.GetOptions{})
	if err != nil || ns.Status.Phase != "Active" {
		t.Errorf("namespace default by certificate: %v, %v", ns, err)
	}
	if _, err := NewClient(t, c.WithToken(c.Token)).CoreV1().Secrets("").List(t.Context(), metav1.ListOptions{}); err != nil {
		t.Errorf("secrets by token: %v", err)
	}
	if _, err := NewClient(t, c.WithToken("wrong")).CoreV1().Secrets("").List(t.Context(), metav1.ListOptions{}); err == nil {
		t.Error("a wrong token is taken")
	}
	if err := c.Stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
	if _, err := os.Stat(c.dir); !os.IsNotExist(err) {
		t.Errorf("%s is left: %v", c.dir, err)
	}
}
