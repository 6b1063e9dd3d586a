package register_test

import (
	"context"
	"errors"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/causeway-access/causeway/internal/node/register"
	"github.com/causeway-access/causeway/internal/version"
)

// asNode is a client with a node's own rights, by which an agent must do.
func asNode(t *testing.T, name string) kubernetes.Interface {
	return shared.As(t, "system:node:"+name, "system:nodes", "system:authenticated")
}

func newNode(t *testing.T, cfg register.Config) *register.Node {
	t.Helper()
	cfg.Client = asNode(t, cfg.Name)
	cfg.Addresses = []netip.Addr{netip.MustParseAddr("192.0.2.7")}
	cfg.Dir = t.TempDir()
	n, err := register.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = shared.Client.CoreV1().Nodes().Delete(context.WithoutCancel(t.Context()), cfg.Name, metav1.DeleteOptions{})
	})
	return n
}

func get(t *testing.T, name string) *corev1.Node {
	t.Helper()
	node, err := shared.Client.CoreV1().Nodes().Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return node
}

func status(node *corev1.Node, kind corev1.NodeConditionType) corev1.ConditionStatus {
	for _, c := range node.Status.Conditions {
		if c.Type == kind {
			return c.Status
		}
	}
	return "none"
}

// until waits for a state of the node, for as long as a slow machine may take.
func until(t *testing.T, what, name string, good func(*corev1.Node) bool) {
	t.Helper()
	var last *corev1.Node
	for deadline := time.Now().Add(90 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		node, err := shared.Client.CoreV1().Nodes().Get(t.Context(), name, metav1.GetOptions{})
		if err != nil {
			continue
		}
		if last = node; good(node) {
			return
		}
	}
	t.Fatalf("never seen: %s; last: %v", what, last)
}

// run runs the agent's part until the test ends.
func run(t *testing.T, n *register.Node) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- n.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	})
}

func TestAMachineBecomesANode(t *testing.T) {
	const name = "becomes"
	n := newNode(t, register.Config{Name: name, Hostname: "becomes.example", Port: 10250, Runtime: func() string { return "causeway://1.0" }, MaxPods: 20,
		Labels:   map[string]string{"rack": "7"},
		Reserved: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("64Mi"), corev1.ResourceCPU: resource.MustParse("1000")},
		Missing:  func() []string { return []string{"no IPv6", "no block devices"} }})
	if err := n.Register(t.Context()); err != nil {
		t.Fatal(err)
	}
	node := get(t, name)
	if got := status(node, corev1.NodeReady); got != corev1.ConditionFalse {
		t.Errorf("Ready is %s before the agent runs", got)
	}
	for key, want := range map[string]string{"kubernetes.io/hostname": name, "kubernetes.io/os": runtime.GOOS, "kubernetes.io/arch": runtime.GOARCH, "rack": "7"} {
		if node.Labels[key] != want {
			t.Errorf("label %s is %q, want %q", key, node.Labels[key], want)
		}
	}
	addresses := []corev1.NodeAddress{{Type: "InternalIP", Address: "192.0.2.7"}, {Type: "Hostname", Address: "becomes.example"}}
	if d := cmp.Diff(addresses, node.Status.Addresses); d != "" {
		t.Errorf("addresses (-want +got):\n%s", d)
	}
	info := node.Status.NodeInfo
	if info.ContainerRuntimeVersion != "causeway://1.0" || info.KubeletVersion != version.Kubernetes().GitVersion || info.KernelVersion == "" {
		t.Errorf("node information is %+v", info)
	}
	if node.Status.DaemonEndpoints.KubeletEndpoint.Port != 10250 {
		t.Errorf("port %d", node.Status.DaemonEndpoints.KubeletEndpoint.Port)
	}
	if pods := node.Status.Capacity.Pods(); pods.Value() != 20 {
		t.Errorf("room for %s pods", pods)
	}
	left := node.Status.Capacity.Memory().DeepCopy()
	left.Sub(resource.MustParse("64Mi"))
	if got := node.Status.Allocatable.Memory(); got.Cmp(left) != 0 || !node.Status.Allocatable.Cpu().IsZero() {
		t.Errorf("allocatable is %v of %v", node.Status.Allocatable, node.Status.Capacity)
	}
	limited := slices.IndexFunc(node.Status.Conditions, func(c corev1.NodeCondition) bool { return c.Type == register.Limited })
	if limited < 0 || node.Status.Conditions[limited].Message != "no IPv6; no block devices" {
		t.Errorf("conditions are %v", node.Status.Conditions)
	}
}

func TestARunningNodeIsReadyAndRenewsItsLease(t *testing.T) {
	const name = "runs"
	var broken atomic.Bool
	n := newNode(t, register.Config{Name: name, Ready: func() error {
		if broken.Load() {
			return errors.New("the runtime is gone")
		}
		return nil
	}})
	if err := n.Register(t.Context()); err != nil {
		t.Fatal(err)
	}
	prefix, err := n.PodCIDR(t.Context())
	if err != nil || prefix.String() != get(t, name).Spec.PodCIDR {
		t.Fatalf("range of pods: %v, %v", prefix, err)
	}
	run(t, n)
	until(t, "ready, with a network, open for pods", name, func(node *corev1.Node) bool {
		closed := slices.ContainsFunc(node.Spec.Taints, func(taint corev1.Taint) bool {
			return taint.Key == corev1.TaintNodeNotReady || taint.Key == corev1.TaintNodeNetworkUnavailable
		})
		return !closed && status(node, corev1.NodeReady) == corev1.ConditionTrue &&
			status(node, corev1.NodeNetworkUnavailable) == corev1.ConditionFalse
	})
	leases := shared.Client.CoordinationV1().Leases(corev1.NamespaceNodeLease)
	for deadline := time.Now().Add(90 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		lease, err := leases.Get(t.Context(), name, metav1.GetOptions{})
		if err == nil && *lease.Spec.LeaseDurationSeconds == 40 && lease.OwnerReferences[0].UID == get(t, name).UID {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("lease %v, %v", lease, err)
		}
	}
	broken.Store(true)
	until(t, "not ready, and why", name, func(node *corev1.Node) bool {
		return slices.ContainsFunc(node.Status.Conditions, func(c corev1.NodeCondition) bool {
			return c.Type == corev1.NodeReady && c.Status == corev1.ConditionFalse && c.Message == "the runtime is gone"
		})
	})
}

func TestADeletedNodeComesBackWithItsRangeOfAddresses(t *testing.T) {
	const name = "deleted"
	n := newNode(t, register.Config{Name: name})
	if err := n.Register(t.Context()); err != nil {
		t.Fatal(err)
	}
	prefix, err := n.PodCIDR(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	before := get(t, name).UID
	if err := shared.Client.CoreV1().Nodes().Delete(t.Context(), name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	run(t, n)
	until(t, "the node again, ready", name, func(node *corev1.Node) bool {
		return node.UID != before && node.Spec.PodCIDR == prefix.String() && status(node, corev1.NodeReady) == corev1.ConditionTrue
	})
}

func TestRegisteringAgainKeepsWhatOthersSet(t *testing.T) {
	const name = "again"
	first := newNode(t, register.Config{Name: name, Missing: func() []string { return []string{"something"} }})
	if err := first.Register(t.Context()); err != nil {
		t.Fatal(err)
	}
	patch := `{"metadata":{"labels":{"theirs":"kept","kubernetes.io/os":"wrong"}},"spec":{"unschedulable":true}}`
	_, err := shared.Client.CoreV1().Nodes().Patch(t.Context(), name, types.MergePatchType, []byte(patch), metav1.PatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := newNode(t, register.Config{Name: name}).Register(t.Context()); err != nil {
		t.Fatal(err)
	}
	node := get(t, name)
	if node.Labels["theirs"] != "kept" || node.Labels["kubernetes.io/os"] != runtime.GOOS || !node.Spec.Unschedulable {
		t.Errorf("labels %v, cordoned %v", node.Labels, node.Spec.Unschedulable)
	}
	if got := status(node, register.Limited); got != "none" {
		t.Errorf("the condition of what the machine could not do is still there: %s", got)
	}
}

func TestRegisterSaysWhatFailed(t *testing.T) {
	n, err := register.New(register.Config{Name: "foreign", Client: asNode(t, "another"),
		Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.7")}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := n.Register(ctx); err == nil || !strings.Contains(err.Error(), "registering node foreign") {
		t.Errorf("got %v", err)
	}
}

func TestNewRefusesWhatCannotBeANode(t *testing.T) {
	address := []netip.Addr{netip.MustParseAddr("192.0.2.7")}
	for want, cfg := range map[string]register.Config{
		`its name is "Upper"`: {Name: "Upper", Client: shared.Client, Addresses: address},
		"no client given":     {Name: "n", Addresses: address},
		"no address given":    {Name: "n", Client: shared.Client},
	} {
		if _, err := register.New(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	}
}
