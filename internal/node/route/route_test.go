package route

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// node is one as the API has it; those made later are younger.
func node(age int, name, podCIDR string, addresses ...string) *corev1.Node {
	n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, CreationTimestamp: metav1.NewTime(time.Unix(int64(1e9-age), 0))}}
	n.Spec.PodCIDR = podCIDR
	n.Status.Addresses = []corev1.NodeAddress{{Type: corev1.NodeHostName, Address: name}}
	for _, a := range addresses {
		n.Status.Addresses = append(n.Status.Addresses, corev1.NodeAddress{Type: corev1.NodeInternalIP, Address: a})
	}
	return n
}

func TestRoutesLeadToTheNodesThatHaveTheRanges(t *testing.T) {
	cfg := Config{Node: "own", Own: netip.MustParsePrefix("10.244.0.0/24"), Range: netip.MustParsePrefix("10.244.0.0/16")}
	for _, test := range []struct {
		name    string
		nodes   []*corev1.Node
		want    []string
		refused string
	}{
		{"nobody else", []*corev1.Node{node(9, "own", "10.244.0.0/24", "192.0.2.1")}, nil, ""},
		{"two others", []*corev1.Node{
			node(9, "own", "10.244.0.0/24", "192.0.2.1"), node(8, "b", "10.244.1.0/24", "192.0.2.2"), node(7, "c", "10.244.2.0/24", "192.0.2.3"),
		}, []string{"10.244.1.0/24 by 192.0.2.2", "10.244.2.0/24 by 192.0.2.3"}, ""},
		{"no range yet", []*corev1.Node{node(8, "b", "", "192.0.2.2")}, nil, ""},
		{"the first address of the family", []*corev1.Node{node(8, "b", "10.244.1.0/24", "2001:db8::2", "192.0.2.2", "192.0.2.9")}, []string{"10.244.1.0/24 by 192.0.2.2"}, ""},
		{"by its name alone", []*corev1.Node{node(8, "b", "10.244.1.0/24")}, nil, "node b: it has no internal address"},
		{"a loopback address", []*corev1.Node{node(8, "b", "10.244.1.0/24", "127.0.0.1")}, nil, "node b: it has no internal address"},
		{"a range of everything", []*corev1.Node{node(8, "b", "0.0.0.0/0", "192.0.2.2")}, nil, "node b: its range 0.0.0.0/0 is not in that of pods"},
		{"a range of services", []*corev1.Node{node(8, "b", "10.96.0.0/24", "192.0.2.2")}, nil, "node b: its range 10.96.0.0/24 is not in that of pods"},
		{"this node's range", []*corev1.Node{node(8, "b", "10.244.0.128/25", "192.0.2.2")}, nil, "node b: its range 10.244.0.128/25 overlaps this node's"},
		{"an older node's range", []*corev1.Node{
			node(1, "thief", "10.244.1.0/24", "192.0.2.3"), node(8, "b", "10.244.1.0/24", "192.0.2.2"),
		}, []string{"10.244.1.0/24 by 192.0.2.2"}, "node thief: its range 10.244.1.0/24 overlaps that of node b"},
	} {
		t.Run(test.name, func(t *testing.T) {
			ways, refused := cfg.ways(test.nodes)
			var got []string
			for _, w := range ways {
				got = append(got, w.to.String()+" by "+w.by.String())
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("routes %q, want %q", got, test.want)
			}
			if told := strings.Join(refused, "; "); (told == "") != (test.refused == "") || !strings.Contains(told, test.refused) {
				t.Errorf("refused: %q, want %q", told, test.refused)
			}
		})
	}
}
