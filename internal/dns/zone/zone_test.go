package zone_test

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/utils/ptr"

	"github.com/causeway-access/causeway/internal/dns/zone"
	"github.com/causeway-access/causeway/test/fakeapi"
)

// objects are a small cluster with something of every kind.
func objects() []runtime.Object {
	return []runtime.Object{
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "default"}},
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "empty"}},
		service("kubernetes", "10.96.0.1", corev1.ServicePort{Name: "https", Port: 443, Protocol: corev1.ProtocolTCP}),
		service("unnamed", "10.96.0.2", corev1.ServicePort{Port: 80}),
		dual(service("dual", "10.96.0.3", corev1.ServicePort{Name: "dns", Port: 53, Protocol: corev1.ProtocolUDP})),
		service("waiting", ""),
		service("db", "None"), headless("db", "10.244.0.5", "10.244.0.6"),
		service("down", "None"), unready(headless("down", "10.244.0.7")),
		early(service("early", "None")), unready(headless("early", "10.244.0.8")),
		service("six", "None"), overIPv6(headless("six", "fd00::6")),
		external("elsewhere", "WWW.example.com"), external("inside", "kubernetes.default.svc.cluster.local"), external("bad", "."),
		headless("orphan", "10.244.0.9"),
	}
}

func service(name, ip string, ports ...corev1.ServicePort) *corev1.Service {
	s := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "default"}, Spec: corev1.ServiceSpec{ClusterIP: ip, Ports: ports}}
	if ip != "" {
		s.Spec.ClusterIPs = []string{ip}
	}
	return s
}

func dual(s *corev1.Service) *corev1.Service {
	s.Spec.ClusterIPs = append(s.Spec.ClusterIPs, "fd00:96::3")
	return s
}

func early(s *corev1.Service) *corev1.Service {
	s.Spec.PublishNotReadyAddresses = true
	return s
}

func external(name, target string) *corev1.Service {
	s := service(name, "")
	s.Spec.Type, s.Spec.ExternalName = corev1.ServiceTypeExternalName, target
	return s
}

// headless is a slice of a service whose endpoints have the host names NAME-0
// and so on, but for the last, which has none.
func headless(name string, addrs ...string) *discoveryv1.EndpointSlice {
	s := &discoveryv1.EndpointSlice{
		ObjectMeta:  metav1.ObjectMeta{Name: name + "-1", Namespace: "default", Labels: map[string]string{discoveryv1.LabelServiceName: name}},
		AddressType: discoveryv1.AddressTypeIPv4,
		Ports:       []discoveryv1.EndpointPort{{Name: ptr.To("sql"), Port: ptr.To[int32](5432), Protocol: ptr.To(corev1.ProtocolTCP)}},
	}
	for i, addr := range addrs {
		e := discoveryv1.Endpoint{Addresses: []string{addr}}
		if i < len(addrs)-1 {
			e.Hostname = ptr.To(fmt.Sprintf("%s-%d", name, i))
		}
		s.Endpoints = append(s.Endpoints, e)
	}
	return s
}

func unready(s *discoveryv1.EndpointSlice) *discoveryv1.EndpointSlice {
	for i := range s.Endpoints {
		s.Endpoints[i].Conditions.Ready = ptr.To(false)
	}
	return s
}

func overIPv6(s *discoveryv1.EndpointSlice) *discoveryv1.EndpointSlice {
	s.AddressType = discoveryv1.AddressTypeIPv6
	return s
}

// story runs with the zone of a cluster of objects, which has read them all.
func story(t *testing.T, all []runtime.Object, tell func(ctx context.Context, z *zone.Zone, client *fake.Clientset)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		client := fakeapi.NewClientset(all...)
		factory := informers.NewSharedInformerFactory(client, 0)
		z, err := zone.New(factory, zone.Config{
			Domain: "Cluster.Local", Nameserver: "kube-dns.kube-system", TTL: 5 * time.Second,
			Reverse: []netip.Prefix{netip.MustParsePrefix("10.96.0.0/16"), netip.MustParsePrefix("10.244.0.0/16")},
		})
		if err != nil {
			t.Fatal(err)
		}
		if z.HasSynced() {
			t.Error("the zone claims to have read what it cannot have")
		}
		factory.Start(ctx.Done())
		defer factory.Shutdown()
		defer cancel()
		factory.WaitForCacheSync(ctx.Done())
		synctest.Wait()
		if !z.HasSynced() {
			t.Fatal("the zone has read everything and does not say so")
		}
		tell(ctx, z, client)
	})
}

// look writes an answer as lines; what is after a name is its records without
// TTL and class.
func look(z *zone.Zone, name, qtype string) []string {
	a, ok := z.Lookup(name, dns.StringToType[qtype])
	if !ok {
		return []string{"not ours"}
	}
	lines := []string{}
	if a.Code != dns.RcodeSuccess {
		lines = append(lines, dns.RcodeToString[a.Code])
	}
	for _, r := range a.Records {
		lines = append(lines, text(r))
	}
	slices.Sort(lines)
	for _, r := range a.Extra {
		lines = append(lines, "+ "+text(r))
	}
	for _, r := range a.Authority {
		lines = append(lines, "SOA "+r.Header().Name)
	}
	return lines
}

func text(r dns.RR) string {
	fields := strings.Fields(r.String())
	if fields[1] != "5" || fields[2] != "IN" {
		return "TTL or class wrong: " + r.String()
	}
	return strings.Join(append(fields[:1], fields[3:]...), " ")
}

func TestNames(t *testing.T) {
	const missing, soa = "NXDOMAIN", "SOA cluster.local."
	const end = ".default.svc.cluster.local."
	story(t, objects(), func(_ context.Context, z *zone.Zone, _ *fake.Clientset) {
		for _, tt := range []struct {
			name, qtype string
			want        []string
		}{
			// Section 2.2 of the specification.
			{"dns-version.cluster.local.", "TXT", []string{`dns-version.cluster.local. TXT "1.1.0"`}},
			{"dns-version.cluster.local.", "A", []string{soa}},
			// 2.3: services with an address.
			{"kubernetes" + end, "A", []string{"kubernetes" + end + " A 10.96.0.1"}},
			{"kubernetes" + end, "AAAA", []string{soa}},
			{"kubernetes" + end, "TXT", []string{soa}},
			{"KuberNetes.default.SVC.cluster.local.", "A", []string{"KuberNetes.default.SVC.cluster.local. A 10.96.0.1"}},
			{"_https._tcp.kubernetes" + end, "SRV", []string{"_https._tcp.kubernetes" + end + " SRV 0 100 443 kubernetes" + end, "+ kubernetes" + end + " A 10.96.0.1"}},
			{"_https._tcp.kubernetes" + end, "A", []string{soa}},
			{"_tcp.kubernetes" + end, "SRV", []string{soa}},
			{"_udp.kubernetes" + end, "SRV", []string{missing, soa}},
			{"_http._tcp.kubernetes" + end, "SRV", []string{missing, soa}},
			{"x.kubernetes" + end, "A", []string{missing, soa}},
			{"_tcp.unnamed" + end, "SRV", []string{missing, soa}},
			{"dual" + end, "AAAA", []string{"dual" + end + " AAAA fd00:96::3"}},
			{"_dns._udp.dual" + end, "SRV", []string{
				"_dns._udp.dual" + end + " SRV 0 100 53 dual" + end, "+ dual" + end + " A 10.96.0.3", "+ dual" + end + " AAAA fd00:96::3",
			}},
			{"1.0.96.10.in-addr.arpa.", "PTR", []string{"1.0.96.10.in-addr.arpa. PTR kubernetes" + end}},
			{"1.0.96.10.in-addr.arpa.", "A", []string{"SOA 96.10.in-addr.arpa."}},
			{"waiting" + end, "A", []string{missing, soa}},
			// 2.4: headless ones.
			{"db" + end, "A", []string{"db" + end + " A 10.244.0.5", "db" + end + " A 10.244.0.6"}},
			{"db-0.db" + end, "A", []string{"db-0.db" + end + " A 10.244.0.5"}},
			{"db-0.db" + end, "AAAA", []string{soa}},
			{"10-244-0-6.db" + end, "A", []string{"10-244-0-6.db" + end + " A 10.244.0.6"}},
			{"10-244-0-5.db" + end, "A", []string{missing, soa}},
			{"_sql._tcp.db" + end, "SRV", []string{
				"_sql._tcp.db" + end + " SRV 0 100 5432 10-244-0-6.db" + end, "_sql._tcp.db" + end + " SRV 0 100 5432 db-0.db" + end,
				"+ db-0.db" + end + " A 10.244.0.5", "+ 10-244-0-6.db" + end + " A 10.244.0.6",
			}},
			{"5.0.244.10.in-addr.arpa.", "PTR", []string{"5.0.244.10.in-addr.arpa. PTR db-0.db" + end}},
			{"down" + end, "A", []string{missing, soa}},
			{"7.0.244.10.in-addr.arpa.", "PTR", []string{missing, "SOA 244.10.in-addr.arpa."}},
			{"early" + end, "A", []string{"early" + end + " A 10.244.0.8"}},
			{"six" + end, "AAAA", []string{"six" + end + " AAAA fd00::6"}},
			{"six" + end, "A", []string{soa}},
			{"orphan" + end, "A", []string{missing, soa}},
			// 2.5: names elsewhere.
			{"elsewhere" + end, "A", []string{"elsewhere" + end + " CNAME www.example.com."}},
			{"elsewhere" + end, "CNAME", []string{"elsewhere" + end + " CNAME www.example.com."}},
			{"_http._tcp.elsewhere" + end, "SRV", []string{missing, soa}},
			{"bad" + end, "A", []string{missing, soa}},
			// 2.6: pods.
			{"10-244-0-5.default.pod.cluster.local.", "A", []string{"10-244-0-5.default.pod.cluster.local. A 10.244.0.5"}},
			{"10-244-0-5.default.pod.cluster.local.", "AAAA", []string{soa}},
			{"10-244-0-5.nowhere.pod.cluster.local.", "A", []string{missing, soa}},
			{"fd00--6.default.pod.cluster.local.", "AAAA", []string{"fd00--6.default.pod.cluster.local. AAAA fd00::6"}},
			// What lies between them.
			{"cluster.local.", "NS", []string{"cluster.local. NS kube-dns.kube-system.svc.cluster.local."}},
			{"cluster.local.", "A", []string{soa}},
			{"svc.cluster.local.", "A", []string{soa}},
			{"default.svc.cluster.local.", "A", []string{soa}},
			{"empty.svc.cluster.local.", "A", []string{soa}},
			{"nowhere.svc.cluster.local.", "A", []string{missing, soa}},
			{"kubernetes.nowhere.svc.cluster.local.", "A", []string{missing, soa}},
			{"cluster.local.default.svc.cluster.local.", "A", []string{missing, soa}},
			{"0.96.10.in-addr.arpa.", "PTR", []string{"SOA 96.10.in-addr.arpa."}},
			{"9.9.96.10.in-addr.arpa.", "PTR", []string{missing, "SOA 96.10.in-addr.arpa."}},
			// What is others' to say.
			{"10.in-addr.arpa.", "PTR", []string{"not ours"}},
			{"1.0.0.127.in-addr.arpa.", "PTR", []string{"not ours"}},
			{"www.example.com.", "A", []string{"not ours"}},
			{"kubernetes.default.svc.", "A", []string{"not ours"}},
			// An address out of the cluster's ranges that has a name in it.
			{"6.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa.", "PTR", []string{
				"6.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa. PTR fd00-0000-0000-0000-0000-0000-0000-0006.six" + end,
			}},
		} {
			if d := cmp.Diff(tt.want, look(z, tt.name, tt.qtype)); d != "" {
				t.Errorf("%s %s (-want +got):\n%s", tt.name, tt.qtype, d)
			}
		}
	})
}

func TestAnAliasIsToBeFollowed(t *testing.T) {
	story(t, objects(), func(_ context.Context, z *zone.Zone, _ *fake.Clientset) {
		for qtype, want := range map[uint16]string{dns.TypeA: "kubernetes.default.svc.cluster.local.", dns.TypeCNAME: ""} {
			if a, _ := z.Lookup("inside.default.svc.cluster.local.", qtype); a.Alias != want {
				t.Errorf("%s: got %q, want %q", dns.TypeToString[qtype], a.Alias, want)
			}
		}
	})
}

// The snapshot follows the cluster: what is new, changed and gone.
func TestTheZoneFollowsTheCluster(t *testing.T) {
	const name = "db.default.svc.cluster.local."
	story(t, objects(), func(ctx context.Context, z *zone.Zone, client *fake.Clientset) {
		slices, services := client.DiscoveryV1().EndpointSlices("default"), client.CoreV1().Services("default")
		check := func(what, name, qtype string, want ...string) {
			t.Helper()
			synctest.Wait()
			if d := cmp.Diff(want, look(z, name, qtype)); d != "" {
				t.Errorf("%s: %s %s (-want +got):\n%s", what, name, qtype, d)
			}
		}
		must := func(_ any, err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		must(slices.Update(ctx, headless("db", "10.244.0.6"), metav1.UpdateOptions{}))
		check("an endpoint is gone", name, "A", name+" A 10.244.0.6")
		check("an endpoint is gone", "5.0.244.10.in-addr.arpa.", "PTR", "NXDOMAIN", "SOA 244.10.in-addr.arpa.")

		moved := headless("db", "10.244.0.6")
		moved.Labels[discoveryv1.LabelServiceName] = "down"
		must(slices.Update(ctx, moved, metav1.UpdateOptions{}))
		check("its slice is another service's", name, "A", "NXDOMAIN", "SOA cluster.local.")
		check("its slice is another service's", "down.default.svc.cluster.local.", "A", "down.default.svc.cluster.local. A 10.244.0.6")
		check("its slice is another service's", "6.0.244.10.in-addr.arpa.", "PTR", "6.0.244.10.in-addr.arpa. PTR 10-244-0-6.down.default.svc.cluster.local.")

		must(nil, services.Delete(ctx, "down", metav1.DeleteOptions{}))
		check("the service is gone", "6.0.244.10.in-addr.arpa.", "PTR", "NXDOMAIN", "SOA 244.10.in-addr.arpa.")

		must(services.Update(ctx, service("db", "10.96.0.20"), metav1.UpdateOptions{}))
		check("it has an address now", name, "A", name+" A 10.96.0.20")

		must(nil, client.CoreV1().Namespaces().Delete(ctx, "empty", metav1.DeleteOptions{}))
		check("a namespace is gone", "empty.svc.cluster.local.", "A", "NXDOMAIN", "SOA cluster.local.")
	})
}

// An endpoint may be in two slices for a while, and of two services for ever.
func TestAnAddressMayBeThereTwice(t *testing.T) {
	again := headless("db", "10.244.0.5")
	again.Name = "db-2"
	all := append(objects(), again, service("other", "None"), headless("other", "10.244.0.5"))
	story(t, all, func(_ context.Context, z *zone.Zone, _ *fake.Clientset) {
		const end = ".default.svc.cluster.local."
		if d := cmp.Diff([]string{"db" + end + " A 10.244.0.5", "db" + end + " A 10.244.0.6"}, look(z, "db"+end, "A")); d != "" {
			t.Errorf("in two slices (-want +got):\n%s", d)
		}
		ptr := "5.0.244.10.in-addr.arpa."
		if d := cmp.Diff([]string{ptr + " PTR 10-244-0-5.other" + end, ptr + " PTR db-0.db" + end}, look(z, ptr, "PTR")); d != "" {
			t.Errorf("of two services (-want +got):\n%s", d)
		}
	})
}

// Clients that take the first address must come to all of them.
func TestAddressesTakeTurns(t *testing.T) {
	story(t, objects(), func(_ context.Context, z *zone.Zone, _ *fake.Clientset) {
		first := map[string]bool{}
		for range 200 { // one of two stays out with a chance of 2^-199
			a, _ := z.Lookup("db.default.svc.cluster.local.", dns.TypeA)
			first[text(a.Records[0])] = true
		}
		if len(first) != 2 {
			t.Errorf("first were %v, want each of two", first)
		}
	})
}

func TestABadDomainIsRefused(t *testing.T) {
	for _, domain := range []string{"", ".", "a..b", strings.Repeat("a", 64), `a\.b`} {
		factory := informers.NewSharedInformerFactory(fakeapi.NewClientset(), 0)
		if _, err := zone.New(factory, zone.Config{Domain: domain}); err == nil {
			t.Errorf("domain %q is accepted", domain)
		}
	}
}
