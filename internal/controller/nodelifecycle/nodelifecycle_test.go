package nodelifecycle_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/utils/ptr"

	"github.com/causeway-access/causeway/internal/controller/controllertest"
	"github.com/causeway-access/causeway/internal/controller/nodelifecycle"
)

func node(name string) *corev1.Node {
	return &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID(name)}, Status: corev1.NodeStatus{
		Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}}}
}

func pod(name, node string, patience ...int64) *corev1.Pod {
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, UID: types.UID(name)}, Spec: corev1.PodSpec{NodeName: node}}
	for _, seconds := range patience {
		t := corev1.Toleration{Key: corev1.TaintNodeUnreachable, Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoExecute}
		if seconds >= 0 {
			t.TolerationSeconds = ptr.To(seconds)
		}
		p.Spec.Tolerations = append(p.Spec.Tolerations, t)
	}
	p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	return p
}

// renew keeps a node alive until ctx ends. Its clock is that much before ours.
func renew(ctx context.Context, client *fake.Clientset, name string, before time.Duration) {
	leases := client.CoordinationV1().Leases(corev1.NamespaceNodeLease)
	lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: corev1.NamespaceNodeLease}}
	lease.Spec.RenewTime = ptr.To(metav1.NewMicroTime(time.Now().Add(before)))
	if _, err := leases.Create(ctx, lease, metav1.CreateOptions{}); err != nil {
		return
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(10 * time.Second):
		}
		lease.Spec.RenewTime = ptr.To(metav1.NewMicroTime(time.Now().Add(before)))
		if _, err := leases.Update(ctx, lease, metav1.UpdateOptions{}); err != nil {
			return
		}
	}
}

// state is a node's condition and taints in one line.
func state(t *testing.T, client *fake.Clientset, name string) string {
	t.Helper()
	n, err := client.CoreV1().Nodes().Get(context.Background(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	words := []string{string(n.Status.Conditions[0].Status)}
	for _, taint := range n.Spec.Taints {
		words = append(words, fmt.Sprintf("%s:%s", strings.TrimPrefix(taint.Key, "node.kubernetes.io/"), taint.Effect))
	}
	slices.Sort(words[1:])
	return strings.Join(words, " ")
}

// clocks are those of the nodes that are alive. One that is wrong does no harm.
var clocks = map[string]time.Duration{"alive": 0, "slow": -time.Hour, "fast": time.Hour}

func TestASilentNodeLosesItsPods(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := controllertest.NewClient(node("silent"), node("alive"), node("slow"), node("fast"), pod("impatient", "silent"), pod("patient", "silent", 300),
			pod("faithful", "silent", -1), pod("elsewhere", "alive"))
		controllertest.Run(t, client, func(ctx context.Context) {
			alive, end := context.WithCancel(ctx)
			defer end()
			for name, before := range clocks {
				go renew(alive, client, name, before)
			}
			has := func(want ...string) {
				t.Helper()
				var got []string
				for _, name := range []string{"elsewhere", "faithful", "impatient", "patient"} {
					_, err := client.CoreV1().Pods("default").Get(ctx, name, metav1.GetOptions{})
					if err == nil {
						got = append(got, name)
					} else if !apierrors.IsNotFound(err) {
						t.Fatal(err)
					}
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("pods (-want +got):\n%s", diff)
				}
			}
			is := func(want string) {
				t.Helper()
				if got := state(t, client, "silent"); got != want {
					t.Errorf("the silent node is %q, want %q", got, want)
				}
			}
			time.Sleep(39 * time.Second)
			is("True")
			time.Sleep(12 * time.Second)
			is("Unknown unreachable:NoExecute unreachable:NoSchedule")
			has("elsewhere", "faithful", "patient")
			p, err := client.CoreV1().Pods("default").Get(ctx, "patient", metav1.GetOptions{})
			if err != nil || p.Status.Conditions[0].Status != corev1.ConditionFalse {
				t.Errorf("the pod of a silent node is still ready: %v, %v", p, err)
			}
			time.Sleep(320 * time.Second)
			has("elsewhere", "faithful")
			for name := range clocks {
				if got := state(t, client, name); got != "True" {
					t.Errorf("the node %s is %q, want it untouched", name, got)
				}
			}
		}, nodelifecycle.New)
	})
}

func TestTheOnlyNodeKeepsItsPodsAndComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := controllertest.NewClient(node("only"), pod("impatient", "only"))
		controllertest.Run(t, client, func(ctx context.Context) {
			time.Sleep(10 * time.Minute)
			synctest.Wait()
			if got, want := state(t, client, "only"), "Unknown unreachable:NoSchedule"; got != want {
				t.Errorf("the node is %q, want %q", got, want)
			}
			if _, err := client.CoreV1().Pods("default").Get(ctx, "impatient", metav1.GetOptions{}); err != nil {
				t.Errorf("the pod is gone: %v", err)
			}
			back, err := client.CoreV1().Nodes().Get(ctx, "only", metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			back.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue, LastHeartbeatTime: metav1.Now()}}
			if _, err := client.CoreV1().Nodes().UpdateStatus(ctx, back, metav1.UpdateOptions{}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Second)
			if got, want := state(t, client, "only"), "True"; got != want {
				t.Errorf("the node is %q, want %q", got, want)
			}
		}, nodelifecycle.New)
	})
}
