package zone

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/miekg/dns"
)

const domain = "cluster.local."

func TestParse(t *testing.T) {
	for name, want := range map[string]asked{
		".":                                                 {},
		"example.com.":                                      {},
		"local.":                                            {},
		"xcluster.local.":                                   {},
		`x\.cluster.local.`:                                 {},
		"cluster.local.example.com.":                        {},
		"cluster.local.":                                    {kind: apex},
		"dns-version.cluster.local.":                        {kind: version},
		"x.dns-version.cluster.local.":                      {kind: nothing},
		"web.cluster.local.":                                {kind: nothing},
		`a\.b.default.svc.cluster.local.`:                   {kind: nothing},
		"svc.cluster.local.":                                {kind: branch},
		"pod.cluster.local.":                                {kind: branch},
		"default.svc.cluster.local.":                        {kind: namespace, namespace: "default"},
		"default.pod.cluster.local.":                        {kind: namespace, namespace: "default"},
		"web.default.svc.cluster.local.":                    {kind: service, namespace: "default", service: "web"},
		"web-0.web.default.svc.cluster.local.":              {kind: endpoint, namespace: "default", service: "web", part: "web-0"},
		"_tcp.web.default.svc.cluster.local.":               {kind: protocol, namespace: "default", service: "web", part: "_tcp"},
		"_http._tcp.web.default.svc.cluster.local.":         {kind: port, namespace: "default", service: "web", part: "_http._tcp"},
		"http._tcp.web.default.svc.cluster.local.":          {kind: nothing},
		"_http.tcp.web.default.svc.cluster.local.":          {kind: nothing},
		"www.example.com.default.svc.cluster.local.":        {kind: nothing},
		"_http._tcp.web-0.web.default.svc.cluster.local.":   {kind: nothing},
		"10-244-0-5.default.pod.cluster.local.":             {kind: pod, namespace: "default", addr: netip.MustParseAddr("10.244.0.5")},
		"fd00--5.default.pod.cluster.local.":                {kind: pod, namespace: "default", addr: netip.MustParseAddr("fd00::5")},
		"10-244-0.default.pod.cluster.local.":               {kind: nothing},
		"10-244-0-256.default.pod.cluster.local.":           {kind: nothing},
		"fe80--1%eth0.default.pod.cluster.local.":           {kind: nothing},
		"10.244-0-5.default.pod.cluster.local.":             {kind: nothing},
		"x.10-244-0-5.default.pod.cluster.local.":           {kind: nothing},
		strings.Repeat("a.", 100) + "svc.cluster.local.":    {kind: nothing},
		"kubernetes.default.svc.cluster.local.example.com.": {},
	} {
		if d := cmp.Diff(want, parse(name, domain), cmp.AllowUnexported(asked{}), cmpopts.EquateComparable(netip.Addr{})); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

// FuzzParse holds the parser to what it promises: what it takes for one of the
// cluster's names is below the cluster's domain, and its parts make up the name.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"kubernetes.default.svc.cluster.local.", "_https._tcp.kubernetes.default.svc.cluster.local.", "a-b.default.pod.cluster.local.",
		"10-0-0-1.x.pod.cluster.local.", "fd00--1.x.pod.cluster.local.", "cluster.local.", ".", "", "..", `\.svc.cluster.local.`, "_._.a.b.svc.cluster.local.",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		a := parse(name, domain)
		if _, ok := dns.IsDomainName(name); ok && strings.HasSuffix(name, ".") && (a.kind != outside) != dns.IsSubDomain(domain, name) && !hasUpper(name) {
			t.Errorf("%q is in the domain: got kind %d", name, a.kind)
		}
		switch a.kind {
		case service:
			if want := a.service + "." + a.namespace + ".svc." + domain; name != want {
				t.Errorf("%q is taken for %q", name, want)
			}
		case endpoint, protocol, port:
			if want := a.part + "." + a.service + "." + a.namespace + ".svc." + domain; name != want {
				t.Errorf("%q is taken for %q", name, want)
			}
		case pod:
			if !a.addr.IsValid() || a.addr.Zone() != "" {
				t.Errorf("%q is taken for the address %v", name, a.addr)
			}
		}
	})
}

// hasUpper reports whether a name is not as the parser wants it.
func hasUpper(name string) bool { return strings.ToLower(name) != name }

func TestParseReverse(t *testing.T) {
	for name, want := range map[string]string{
		"1.0.96.10.in-addr.arpa.":     "10.96.0.1/32",
		"96.10.in-addr.arpa.":         "10.96.0.0/16",
		"255.255.255.0.in-addr.arpa.": "0.255.255.255/32",
		"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa.": "fd00::1/128",
		"0.0.d.f.ip6.arpa.":           "fd00::/16",
		"in-addr.arpa.":               "",
		"256.0.0.1.in-addr.arpa.":     "",
		"01.0.0.1.in-addr.arpa.":      "",
		"+1.0.0.1.in-addr.arpa.":      "",
		"1.2.3.4.5.in-addr.arpa.":     "",
		"a.0.0.1.in-addr.arpa.":       "",
		"10.d.f.ip6.arpa.":            "",
		"1.0.96.10.in-addr.arpa.com.": "",
		"1..96.10.in-addr.arpa.":      "",
	} {
		got, ok := parseReverse(name)
		if text := got.String(); ok != (want != "") || ok && text != want {
			t.Errorf("%s: got %v, %v; want %q", name, got, ok, want)
		}
	}
}

func FuzzParseReverse(f *testing.F) {
	for _, seed := range []string{"1.0.96.10.in-addr.arpa.", "10.in-addr.arpa.", "0.0.d.f.ip6.arpa.", ".in-addr.arpa.", "..ip6.arpa."} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if p, ok := parseReverse(name); ok && p.Bits() > 0 {
			if back := reverseName(p.Addr(), p.Bits()); back != name {
				t.Errorf("%q is read as %s, which is %q", name, p, back)
			}
		}
	})
}

func TestAddressesHaveTheirReverseName(t *testing.T) {
	for _, text := range []string{"10.96.0.1", "255.0.0.255", "fd00::1", "2001:db8::ff"} {
		addr := netip.MustParseAddr(text)
		want, err := dns.ReverseAddr(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := reverseName(addr, addr.BitLen()); got != want {
			t.Errorf("%s: got %s, want %s", addr, got, want)
		}
	}
	for in, want := range map[string]string{
		"10.99.0.0/16": "99.10.in-addr.arpa.", "10.96.0.0/12": "99.10.in-addr.arpa.", "10.0.0.0/8": "10.in-addr.arpa.", "fd00::/6": "d.f.ip6.arpa.",
	} {
		prefix := netip.MustParsePrefix(in)
		addr := netip.MustParseAddr("10.99.0.1")
		if prefix.Addr().Is6() {
			addr = netip.MustParseAddr("fd00::1")
		}
		if got := zoneOf(addr, prefix); got != want {
			t.Errorf("the zone of %s in %s: got %s, want %s", addr, in, got, want)
		}
	}
}
