package tunnel

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// node makes one that is so many seconds old.
func node(name string, age int, tunnelled bool, ranges ...string) *corev1.Node {
	n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, CreationTimestamp: metav1.NewTime(time.Unix(1e9, 0).Add(-time.Duration(age) * time.Second))}}
	n.Spec.PodCIDRs = ranges
	if tunnelled {
		n.Status.Conditions = []corev1.NodeCondition{{Type: Condition, Status: corev1.ConditionTrue}}
	}
	return n
}

// owner is how a pod's node is printed.
func (n *Nodes) owner(address string) string {
	name, tunnelled := n.Of(netip.MustParseAddr(address))
	if tunnelled {
		name += " by a tunnel"
	}
	return name
}

func TestWhosePodHasAnAddress(t *testing.T) {
	var n Nodes
	if got := n.owner("10.244.1.5"); got != "" {
		t.Errorf("before any node is known it is a pod of %q", got)
	}
	n.Set(node("near", 9, false, "10.244.1.0/24", "fd00:1::/64"))
	n.Set(node("far", 8, true, "10.244.2.7/24"))
	n.Set(node("thief", 1, true, "10.244.1.0/24", "10.244.0.0/16", "10.244.1.4/30", "nonsense"))
	want := map[string]string{
		"10.244.1.5": "near", "::ffff:10.244.1.5": "near", "fd00:1::5": "near", "10.244.2.5": "far by a tunnel",
		"10.244.9.5": "thief by a tunnel", "192.0.2.1": "", "fd00:2::5": "", "::1": "",
	}
	look := func(what string) {
		t.Helper()
		for address, want := range want {
			if got := n.owner(address); got != want {
				t.Errorf("%s: %s is a pod of %q, want %q", what, address, got, want)
			}
		}
	}
	look("to begin with")
	n.Set(node("near", 9, false, "10.244.1.0/24", "fd00:1::/64"))
	look("told again")
	n.Drop("near")
	want["10.244.1.5"], want["::ffff:10.244.1.5"], want["fd00:1::5"] = "thief by a tunnel", "thief by a tunnel", ""
	n.Set(node("far", 8, false, "10.244.2.0/24"))
	want["10.244.2.5"] = "far"
	look("one gone, one without a tunnel")
	n.Drop("thief")
	n.Drop("nobody")
	want["10.244.1.5"], want["::ffff:10.244.1.5"], want["10.244.9.5"] = "", "", ""
	look("two gone")
	for name, want := range map[string][2]bool{"far": {true, false}, "near": {}} {
		if known, tunnelled := n.Known(name); known != want[0] || tunnelled != want[1] {
			t.Errorf("%s is known: %v, tunnelled: %v", name, known, tunnelled)
		}
	}
}

func TestNodesWithTunnelsAreListed(t *testing.T) {
	var n Nodes
	n.Set(node("b", 1, true, "10.244.2.0/24"))
	n.Set(node("a", 2, true, "10.244.3.0/24"))
	n.Set(node("c", 3, false, "10.244.1.0/24"))
	n.Set(node("d", 0, true, "10.244.0.0/16", "10.244.1.0/24", "10.244.3.128/25", "10.244.9.0/24"))
	names, pods := n.Tunnelled()
	if d := cmp.Diff([]string{"a", "b", "d"}, names); d != "" {
		t.Errorf("names (-want +got):\n%s", d)
	}
	want := []netip.Prefix{netip.MustParsePrefix("10.244.2.0/24"), netip.MustParsePrefix("10.244.3.0/24"), netip.MustParsePrefix("10.244.9.0/24")}
	if d := cmp.Diff(want, pods, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); d != "" {
		t.Errorf("ranges (-want +got):\n%s", d)
	}
}

func TestRangesThatAreNotOfPodsAreNotBelieved(t *testing.T) {
	n := Nodes{Within: netip.MustParsePrefix("10.244.0.0/16")}
	n.Set(node("thief", 1, true, "0.0.0.0/0", "10.0.0.0/8", "192.0.2.0/24", "10.244.9.0/24"))
	for address, want := range map[string]string{"192.0.2.1": "", "10.96.0.1": "", "127.0.0.1": "", "10.244.1.5": "", "10.244.9.5": "thief by a tunnel"} {
		if got := n.owner(address); got != want {
			t.Errorf("%s is a pod of %q, want %q", address, got, want)
		}
	}
}
