package podspec

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-access/causeway/internal/podrun"
)

func TestANodesResolverIsRead(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		want podrun.DNS
	}{
		"nothing": {"", podrun.DNS{}},
		"all": {
			"# by hand\n; too\ndomain example.net\nsearch example.org example.com\nnameserver 192.0.2.53\nnameserver 2001:db8::1\noptions timeout:1 edns0\n",
			podrun.DNS{
				Servers:  []netip.Addr{netip.MustParseAddr("192.0.2.53"), netip.MustParseAddr("2001:db8::1")},
				Searches: []string{"example.org", "example.com"}, Options: []string{"timeout:1", "edns0"},
			},
		},
		"the last names count": {"search example.org\ndomain example.net more", podrun.DNS{Searches: []string{"example.net"}}},
		"options add up":       {"options timeout:1\noptions edns0 timeout:1", podrun.DNS{Options: []string{"timeout:1", "edns0"}}},
		"what is unknown":      {"sortlist 192.0.2.0\nnameserver\nnameserver no.address\n\tnameserver\t192.0.2.53 # first\r\n", podrun.DNS{Servers: []netip.Addr{netip.MustParseAddr("192.0.2.53")}}},
	} {
		got, err := ResolvConf(strings.NewReader(test.text))
		if diff := cmp.Diff(test.want, got, compareAddr); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
}

func FuzzResolvConf(f *testing.F) {
	f.Add("search example.org\nnameserver 192.0.2.53\noptions ndots:2\n")
	f.Add("nameserver fe80::1%eth0\ndomain\n\x00")
	f.Fuzz(func(t *testing.T, text string) {
		d, err := ResolvConf(strings.NewReader(text))
		if err != nil {
			return
		}
		for _, word := range slices.Concat(d.Searches, d.Options) {
			if word == "" || len(strings.Fields(word)) != 1 {
				t.Errorf("%q is no word", word)
			}
		}
	})
}
