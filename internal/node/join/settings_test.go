package join_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/causeway-access/causeway/internal/node/join"
)

var settings = join.Settings{
	Services: netip.MustParsePrefix("10.96.0.0/16"), Pods: netip.MustParsePrefix("10.244.0.0/16"), DNS: netip.MustParseAddr("10.96.0.10"),
}

var comparable = cmpopts.EquateComparable(netip.Prefix{}, netip.Addr{})

func TestSettingsAreReadAsTheyWereWritten(t *testing.T) {
	got, err := join.ParseSettings(settings.Data())
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(settings, got, comparable); d != "" {
		t.Errorf("settings (-want +got):\n%s", d)
	}
}

func TestSettingsThatCannotBeAreRefused(t *testing.T) {
	for _, test := range []struct{ key, value, want string }{
		{"service-cidr", "", "service-cidr: "},
		{"pod-cidr", "10.244.0.0", "pod-cidr: "},
		{"cluster-dns", "kube-dns", "cluster-dns: "},
		{"cluster-dns", "10.97.0.10", "10.97.0.10 is not in the services' range 10.96.0.0/16"},
	} {
		data := settings.Data()
		data[test.key] = test.value
		if _, err := join.ParseSettings(data); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s %q: %v, want %s", test.key, test.value, err, test.want)
		}
	}
}

func FuzzParseSettings(f *testing.F) {
	f.Add("10.96.0.0/16", "10.244.0.0/16", "10.96.0.10")
	f.Add("fd00::/108", "fd01::/48", "fd00::a")
	f.Add("", "0.0.0.0/0", "::ffff:10.0.0.1")
	f.Fuzz(func(t *testing.T, services, pods, dns string) {
		s, err := join.ParseSettings(map[string]string{"service-cidr": services, "pod-cidr": pods, "cluster-dns": dns})
		if err != nil {
			return
		}
		again, err := join.ParseSettings(s.Data())
		if err != nil {
			t.Fatalf("what was printed is not read: %v", err)
		}
		if d := cmp.Diff(s, again, comparable); d != "" {
			t.Errorf("(-first +second):\n%s", d)
		}
	})
}
