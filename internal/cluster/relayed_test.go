package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/causeway-access/causeway/internal/tunnel"
)

// relaying are the ways of a cluster with two nodes with tunnels and two with
// routes, each with a pod. What has a route is dialled into the test's pipe.
func relaying(t *testing.T) (w *ways, dialled *string) {
	t.Helper()
	w, dialled = newWays(nil), new(string)
	factory := informers.NewSharedInformerFactory(fake.NewClientset(), 0)
	registry := prometheus.NewRegistry()
	if err := w.follow(factory, netip.MustParsePrefix("10.244.0.0/16"), registry.Register); err != nil {
		t.Fatal(err)
	}
	w.direct = func(_ context.Context, _, address string) (net.Conn, error) {
		*dialled = address
		near, far := net.Pipe()
		t.Cleanup(func() { far.Close() })
		return near, nil
	}
	for i, name := range []string{"near", "nearer", "far", "farther"} {
		n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: corev1.NodeSpec{PodCIDRs: []string{fmt.Sprintf("10.244.%d.0/24", i)}}}
		if strings.HasPrefix(name, "far") {
			n.Status.Conditions = []corev1.NodeCondition{{Type: tunnel.Condition, Status: corev1.ConditionTrue}}
		}
		w.nodes.Set(n)
		addPod(t, w, name, fmt.Sprintf("10.244.%d.5", i), nil)
	}
	return w, dialled
}

func addPod(t *testing.T, w *ways, node, address string, edit func(*corev1.Pod)) {
	t.Helper()
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: node + "-" + address}, Spec: corev1.PodSpec{NodeName: node}}
	pod.Status = corev1.PodStatus{Phase: corev1.PodRunning, PodIP: address, PodIPs: []corev1.PodIP{{IP: address}}}
	if edit != nil {
		edit(pod)
	}
	if err := w.relayed.pods.Add(pod); err != nil {
		t.Fatal(err)
	}
}

func TestNodesReachPodsAndNothingElseByAnAPIServer(t *testing.T) {
	w, dialled := relaying(t)
	addPod(t, w, "far", "10.244.0.9", nil) // it is of another node's range
	addPod(t, w, "far", "169.254.169.254", nil)
	addPod(t, w, "near", "127.0.0.1", nil)
	addPod(t, w, "near", "10.244.0.6", func(p *corev1.Pod) { p.Status.Phase = corev1.PodSucceeded })
	addPod(t, w, "near", "10.244.0.1", func(p *corev1.Pod) { p.Spec.HostNetwork = true })
	const refused, absent = "refused", "absent"
	for _, tt := range []struct{ from, to, want string }{
		{"far", "10.244.0.5:80", "10.244.0.5:80"},
		{"far", "[::ffff:10.244.0.5]:80", "10.244.0.5:80"},
		{"near", "10.244.2.5:80", absent}, // by a tunnel, which is not open
		{"far", "10.244.3.5:80", absent},
		{"near", "10.244.1.5:80", refused}, // there is a route
		{"stranger", "10.244.2.5:80", refused},
		{"far", "10.244.0.7:80", refused}, // nobody has it
		{"far", "10.244.0.9:80", refused},
		{"far", "10.244.0.6:80", refused},
		{"far", "10.244.0.1:22", refused},
		{"far", "169.254.169.254:80", refused},
		{"far", "127.0.0.1:6443", refused},
		{"far", "10.96.0.1:443", refused},
		{"far", "192.0.2.1:22", refused},
		{"far", "near:10250", refused},
		{"far", "localhost:2379", refused},
		{"far", "", refused},
	} {
		*dialled = ""
		c, err := w.dialFor(tt.from)(t.Context(), "tcp", tt.to)
		got := *dialled
		switch {
		case errors.As(err, new(*tunnel.Refusal)):
			got += refused
		case errors.As(err, new(*tunnel.Absent)):
			got += absent
		case err != nil:
			t.Errorf("%s to %s: %v", tt.from, tt.to, err)
		default:
			c.Close()
		}
		if address := strings.ReplaceAll(got, "[::ffff:10.244.0.5]", "10.244.0.5"); address != tt.want {
			t.Errorf("%s to %s: %s (%v), want %s", tt.from, tt.to, got, err, tt.want)
		}
	}
	for result, want := range map[string]float64{"open": 2, "failed": 2, "refused": 13} {
		if got := testutil.ToFloat64(w.relayed.total.WithLabelValues(result)); got != want {
			t.Errorf("%v connections counted as %s, want %v", got, result, want)
		}
	}
	if got := testutil.ToFloat64(w.relayed.connections); got != 0 {
		t.Errorf("%v are open in the end", got)
	}
}

// The connections that nodes have through a tunnel leave room for those of the
// API server.
func TestNodesDoNotFillATunnel(t *testing.T) {
	w, _ := relaying(t)
	var last func()
	for range mostRelayed {
		done, err := w.relayed.enter("far")
		if err != nil {
			t.Fatal(err)
		}
		last = done
	}
	if _, err := w.relayed.enter("far"); !errors.As(err, new(*tunnel.Absent)) {
		t.Errorf("one more: %v", err)
	}
	last()
	last()
	if _, err := w.relayed.enter("far"); err != nil {
		t.Error(err)
	}
	if _, err := w.relayed.enter("far"); err == nil {
		t.Error("one that has ended was counted twice")
	}
	if _, _, err := w.judge("far", netip.MustParseAddr("10.244.3.5")); err != nil {
		t.Error(err)
	}
}
