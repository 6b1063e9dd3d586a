package outward

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
)

func TestAWayNeedsToKnowWhatIsOutside(t *testing.T) {
	pods, services := netip.MustParsePrefix("10.244.0.0/24"), netip.MustParsePrefix("10.96.0.0/16")
	for name, cfg := range map[string]Config{
		"no table":       {Pods: pods, Cluster: []netip.Prefix{services}},
		"no pods":        {Table: "t", Cluster: []netip.Prefix{services}},
		"pods of IPv6":   {Table: "t", Pods: netip.MustParsePrefix("fd00::/64"), Cluster: []netip.Prefix{services}},
		"no cluster":     {Table: "t", Pods: pods},
		"nothing at all": {},
	} {
		if _, err := New(cfg); err == nil {
			t.Errorf("%s is no fault", name)
		}
	}
	w, err := New(Config{Table: "t", Pods: pods, Cluster: []netip.Prefix{services}})
	if err != nil {
		t.Fatal(err)
	}
	w.note(errors.New("no nftables here"))
	if missing := strings.Join(w.Missing(), "; "); missing != "the network outside of the cluster: no nftables here" {
		t.Errorf("missing: %q", missing)
	}
	w.note(nil)
	if missing := w.Missing(); missing != nil {
		t.Errorf("missing: %q", missing)
	}
}
