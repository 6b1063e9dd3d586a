package quota_test

import (
	"net/netip"
	"testing"

	"github.com/causeway-access/causeway/internal/dns/quota"
)

func TestClientsHaveTheirShare(t *testing.T) {
	q := quota.New(3, 2)
	one, two, three := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2"), netip.MustParseAddr("10.0.0.3")
	take := func(client netip.Addr, want bool) {
		t.Helper()
		if got := q.Take(client); got != want {
			t.Errorf("another one for %s: got %v, want %v", client, got, want)
		}
	}
	take(one, true)
	take(one, true)
	take(one, false)
	take(two, true)
	take(three, false) // three in all
	q.Give(one)
	take(three, true)
	q.Give(one)
	take(one, true)
}

func TestWhoIsOneClient(t *testing.T) {
	for _, tt := range []struct {
		name, first, second string
		same                bool
	}{
		{"IPv4 addresses", "10.0.0.1", "10.0.0.2", false},
		{"one written as IPv6", "10.0.0.1", "::ffff:10.0.0.1", true},
		{"a subnet of IPv6", "2001:db8::1", "2001:db8::ffff:1", true},
		{"two subnets", "2001:db8::1", "2001:db8:0:1::1", false},
		{"a link", "fe80::1%eth0", "fe80::2%eth1", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			q := quota.New(10, 1)
			q.Take(netip.MustParseAddr(tt.first))
			if free := q.Take(netip.MustParseAddr(tt.second)); free == tt.same {
				t.Errorf("%s and %s: one client is %v, want %v", tt.first, tt.second, !free, tt.same)
			}
		})
	}
	q := quota.New(10, 1)
	q.Take(netip.Addr{})
	if q.Take(netip.Addr{}) {
		t.Error("clients without an address are as many as they like")
	}
}
