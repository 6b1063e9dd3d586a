package gateway_test

import (
	"net/http"
	"net/netip"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/causeway-access/causeway/internal/gateway"
)

// Forwarding to a pod whose node has an agent is the API server's, which passes
// it on to that; the gateway does so for others, and for services.
func TestPodsWithAnAgentAreForwardedByIt(t *testing.T) {
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "served"}}
	node.Status.DaemonEndpoints.KubeletEndpoint.Port = 10250
	pod := runningPod("db-0", netip.MustParseAddrPort("192.0.2.7:80"))
	pod.Spec.NodeName = node.Name
	w := newWorld(t, func(c *gateway.Config) {
		c.ForwardPods = true
		c.Next = http.HandlerFunc(func(out http.ResponseWriter, _ *http.Request) { out.WriteHeader(http.StatusTeapot) })
	}, node, pod, runningPod("db-1", netip.MustParseAddrPort("192.0.2.8:80")))
	for path, want := range map[string]int{
		"pods/db-0/portforward": http.StatusTeapot, "pods/db-1/portforward": http.StatusBadRequest,
		"services/db-0/portforward": http.StatusBadRequest,
	} {
		response, text := w.do(http.MethodPost, "/api/v1/namespaces/default/"+path, nil)
		if response.StatusCode != want {
			t.Errorf("%s: %d %s, want %d", path, response.StatusCode, text, want)
		}
	}
}
