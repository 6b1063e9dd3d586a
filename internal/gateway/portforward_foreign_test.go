package gateway_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/causeway-access/causeway/internal/portforward"
)

// The API server of another make forwards to pods alone: the client finds a
// ready pod of the service by itself, and the pod's port.
func TestForwardingThroughAnotherAPIServer(t *testing.T) {
	alive := visits(t, shout)
	w := newWorld(t, forwardPods, runningPod("db-0", alive))
	number := int32(alive.Port())
	answers := answersOfAnother(&number)
	inner := w.Config.Handler
	w.Config.Handler = http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		switch answer, known := answers[r.URL.Path]; {
		case known:
			if err := json.NewEncoder(out).Encode(answer); err != nil {
				t.Error(err)
			}
		case strings.HasSuffix(r.URL.Path, "/services/db/portforward"):
			http.NotFound(out, r)
		case strings.Contains(r.URL.Path, "/pods/"):
			inner.ServeHTTP(out, r)
		default:
			out.WriteHeader(http.StatusNotFound)
			_ = json.NewEncoder(out).Encode(metav1.Status{ // the client may be gone
				TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: "Failure", Reason: metav1.StatusReasonNotFound, Code: 404,
				Message: `services "absent" not found`, Details: &metav1.StatusDetails{Kind: "services", Name: "absent"},
			})
		}
	})
	d := w.dialer("alice", false)
	for target, port := range map[portforward.Target]uint16{
		serviceTarget("db"): 5432,
		{Resource: "deployments", Namespace: "default", Name: "db"}: alive.Port(),
	} {
		if err := d.Check(t.Context(), target); err != nil {
			t.Errorf("%v: %v", target, err)
		}
		for range 3 {
			c, err := d.Dial(t.Context(), target, port)
			if err != nil {
				t.Fatalf("%v: %v", target, err)
			}
			if got := ask(t, c, "x"); got != "X" {
				t.Errorf("%v: got %q", target, got)
			}
		}
	}
	for want, attempt := range map[string]portforward.Target{`services "absent" not found`: serviceTarget("absent")} {
		if err := d.Check(t.Context(), attempt); err == nil || err.Error() != want {
			t.Errorf("%v: %v, want %s", attempt, err, want)
		}
	}
	if _, err := d.Dial(t.Context(), serviceTarget("db"), 80); err == nil || !strings.Contains(err.Error(), `no service port 80 found for service "db"; it has 5432`) {
		t.Errorf("a port that the service has not: %v", err)
	}
	number = int32(closedPort(t).Port())
	c, err := d.Dial(t.Context(), serviceTarget("db"), 5432)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Read(make([]byte, 1)); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("a port at which nobody listens: %v", err)
	}
}

// answersOfAnother are what that API server has of service and deployment db,
// by path; the pods listen on the port.
func answersOfAnother(number *int32) map[string]any {
	ready, unready := true, false
	return map[string]any{
		"/api/v1/namespaces/default/services/db": corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Name: "db"}, Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Name: "sql", Port: 5432}}},
		},
		"/apis/discovery.k8s.io/v1/namespaces/default/endpointslices": discoveryv1.EndpointSliceList{Items: []discoveryv1.EndpointSlice{{
			Ports: []discoveryv1.EndpointPort{{Name: new("sql"), Port: number}},
			Endpoints: []discoveryv1.Endpoint{
				{Conditions: discoveryv1.EndpointConditions{Ready: &unready}, TargetRef: &corev1.ObjectReference{Kind: "Pod", Name: "starting"}},
				{Conditions: discoveryv1.EndpointConditions{Ready: &ready}, TargetRef: &corev1.ObjectReference{Kind: "Pod", Name: "db-0"}},
			},
		}}},
		"/apis/apps/v1/namespaces/default/deployments/db": map[string]any{
			"spec": map[string]any{"selector": map[string]any{"matchLabels": map[string]string{"app": "db"}}},
		},
		"/api/v1/namespaces/default/pods": corev1.PodList{Items: []corev1.Pod{
			{ObjectMeta: metav1.ObjectMeta{Name: "starting"}},
			{ObjectMeta: metav1.ObjectMeta{Name: "db-0"}, Status: corev1.PodStatus{Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}}},
		}},
	}
}
