package nodeipam

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRanges(t *testing.T) {
	for _, c := range []struct {
		name    string
		cluster string
		bits    int
		taken   []string
		want    string
	}{
		{"the first", "10.244.0.0/16", 0, nil, "10.244.0.0/24"},
		{"the next", "10.244.0.0/16", 0, []string{"10.244.0.0/24"}, "10.244.1.0/24"},
		{"a gap", "10.244.0.0/16", 0, []string{"10.244.0.0/24", "10.244.2.0/24"}, "10.244.1.0/24"},
		{"greater ones of others", "10.244.0.0/16", 0, []string{"10.244.0.0/22"}, "10.244.4.0/24"},
		{"elsewhere", "10.244.0.0/16", 0, []string{"10.0.0.0/24"}, "10.244.0.0/24"},
		{"over a byte", "10.0.0.0/8", 16, []string{"10.0.0.0/9"}, "10.128.0.0/16"},
		{"within a byte", "10.0.0.0/24", 26, []string{"10.0.0.0/26", "10.0.0.64/26"}, "10.0.0.128/26"},
		{"no more", "10.0.0.0/24", 25, []string{"10.0.0.0/25", "10.0.0.128/25"}, ""},
		{"the last of all", "255.255.255.0/24", 25, []string{"255.255.255.0/24"}, ""},
		{"all for one node", "10.0.0.0/28", 0, nil, "10.0.0.0/28"},
		{"IPv6", "fd00::/48", 0, []string{"fd00::/64"}, "fd00:0:0:1::/64"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := newRanges(Config{Cluster: netip.MustParsePrefix(c.cluster), NodeBits: c.bits})
			if err != nil {
				t.Fatal(err)
			}
			var taken []netip.Prefix
			for _, text := range c.taken {
				taken = append(taken, netip.MustParsePrefix(text))
			}
			got := ""
			if p, ok := r.free(taken); ok {
				got = p.String()
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("free (-want +got):\n%s", diff)
			}
		})
	}
}
