package node

import (
	"net/netip"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/causeway-access/causeway/internal/tunnel"
)

// Which pods a node reaches by API servers depends on whether it has a tunnel
// itself.
func TestPodsAreReachedByAPIServersWhereThereIsNoOtherWay(t *testing.T) {
	pods := netip.MustParsePrefix("10.244.0.0/16")
	for name, tt := range map[string]struct {
		tunnelled bool
		want      string // addresses, of those below
		missing   string
	}{
		"near": {false, "10.244.2.5", "pods of nodes that have tunnels (far) but by TCP"},
		"far":  {true, "10.244.0.5 10.244.9.5", "pods of other nodes but by TCP"},
	} {
		a := &Agent{cfg: Config{Name: name, Tunnelled: tt.tunnelled, PodRange: pods}}
		a.nodes.Within = pods
		for i, other := range []string{"near", "other", "far"} {
			n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: other}, Spec: corev1.NodeSpec{PodCIDRs: []string{"10.244." + string(rune('0'+i)) + ".0/24"}}}
			if other == "far" {
				n.Status.Conditions = []corev1.NodeCondition{{Type: tunnel.Condition, Status: corev1.ConditionTrue}}
			}
			a.nodes.Set(n)
			if other == name {
				a.podRange = netip.MustParsePrefix(n.Spec.PodCIDRs[0])
			}
		}
		var got []string
		for _, address := range []string{"10.244.0.5", "10.244.2.5", "10.244.9.5", "10.96.0.1", "192.0.2.1", "127.0.0.1"} {
			if a.beyond(netip.MustParseAddr(address)) {
				got = append(got, address)
			}
		}
		if text := strings.Join(got, " "); text != tt.want {
			t.Errorf("%s reaches %q by API servers, want %q", name, text, tt.want)
		}
		if missing := strings.Join(a.missingBeyond(), "; "); !strings.HasPrefix(missing, tt.missing) {
			t.Errorf("%s misses %q", name, missing)
		}
	}
	if missing := new(Agent).missingBeyond(); missing != nil {
		t.Errorf("where no node has a tunnel %q is missing", missing)
	}
}
