package service

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-access/causeway/internal/store"
)

// newAllocators are the allocators of a small cluster on a real etcd.
func newAllocators(t *testing.T, kv clientv3.KV) *Allocators {
	t.Helper()
	return New(Config{Store: kv, CIDR: netip.MustParsePrefix("10.96.0.0/26"), FirstNodePort: 30000, LastNodePort: 30063})
}

func startEtcd(t *testing.T) clientv3.KV {
	t.Helper()
	dir, err := os.MkdirTemp("", "alloc") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Start(t.Context(), store.Config{Dir: filepath.Join(dir, "etcd")})
	if err != nil {
		t.Fatal(err)
	}
	client, err := store.Endpoints{Servers: []string{s.Endpoint()}}.Client()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = client.Close() // its context ends with it, which it reports as an error
		s.Close()
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return client.KV
}

// aService is a valid service as it reaches the allocators, defaulted.
func aService(name string, change ...func(*corev1.Service)) *corev1.Service {
	s := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, UID: types.UID("uid-" + name)},
		Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeClusterIP, Ports: []corev1.ServicePort{{Port: 80, Protocol: corev1.ProtocolTCP}}},
	}
	for _, f := range change {
		f(s)
	}
	return s
}

func nodePort(s *corev1.Service) { s.Spec.Type = corev1.ServiceTypeNodePort }

func create(t *testing.T, a *Allocators, s *corev1.Service) error {
	t.Helper()
	finish, err := a.BeginCreate(t.Context(), s, &metav1.CreateOptions{})
	if err == nil {
		finish(t.Context(), true)
	}
	return err
}

func update(t *testing.T, a *Allocators, s, old *corev1.Service) error {
	t.Helper()
	finish, err := a.BeginUpdate(t.Context(), s, old, &metav1.UpdateOptions{})
	if err == nil {
		finish(t.Context(), true)
	}
	return err
}

func taken(t *testing.T, a *Allocators) (ips, ports []string) {
	t.Helper()
	for _, p := range []struct {
		l    *ledger
		into *[]string
	}{{a.addresses.ledger, &ips}, {a.ports.ledger, &ports}} {
		all, err := p.l.all(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for item := range all {
			*p.into = append(*p.into, item)
		}
		slices.Sort(*p.into)
	}
	return ips, ports
}

func TestTwoServersNeverGiveTheSameTwice(t *testing.T) {
	kv := startEtcd(t)
	servers := []*Allocators{newAllocators(t, kv), newAllocators(t, kv)}
	var (
		mu   sync.Mutex
		seen = map[string]string{}
		wg   sync.WaitGroup
	)
	for i := range 50 {
		wg.Go(func() {
			s := aService(fmt.Sprintf("s%d", i), nodePort)
			if err := create(t, servers[i%2], s); err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			for _, item := range []string{s.Spec.ClusterIP, fmt.Sprint(s.Spec.Ports[0].NodePort)} {
				if other, twice := seen[item]; twice {
					t.Errorf("%s was given to %s and %s", item, other, s.Name)
				}
				seen[item] = s.Name
			}
		})
	}
	wg.Wait()
}

func TestARangeIsUsedToItsEndAndThenFull(t *testing.T) {
	a := newAllocators(t, startEtcd(t))
	for i := range 62 {
		if err := create(t, a, aService(fmt.Sprintf("s%d", i))); err != nil {
			t.Fatalf("service %d: %v", i, err)
		}
	}
	err := create(t, a, aService("late"))
	if err == nil || !strings.Contains(err.Error(), "range is full") {
		t.Errorf("got %v, want that the range is full", err)
	}
}

func TestPortsOfOneServiceDiffer(t *testing.T) {
	a := newAllocators(t, startEtcd(t))
	s := aService("many", nodePort, func(s *corev1.Service) {
		for i := range int32(40) { // of 64 that there are
			s.Spec.Ports = append(s.Spec.Ports, corev1.ServicePort{Name: fmt.Sprint("p", i), Port: 100 + i, Protocol: corev1.ProtocolTCP})
		}
		s.Spec.Ports[40].NodePort = 30050 // chosen by hand, after others have been chosen
	})
	if err := create(t, a, s); err != nil {
		t.Fatal(err)
	}
	seen := map[int32]string{}
	for _, p := range s.Spec.Ports {
		if other, taken := seen[p.NodePort]; taken || p.NodePort == 0 {
			t.Errorf("port %s has node port %d, like %s", p.Name, p.NodePort, other)
		}
		seen[p.NodePort] = p.Name
	}
}

func TestWhatAServiceAsksForByName(t *testing.T) {
	a := newAllocators(t, startEtcd(t))
	address := func(ip string) func(*corev1.Service) { return func(s *corev1.Service) { s.Spec.ClusterIP = ip } }
	port := func(p int32) func(*corev1.Service) {
		return func(s *corev1.Service) { nodePort(s); s.Spec.Ports[0].NodePort = p }
	}
	if err := create(t, a, aService("first", address("10.96.0.10"), port(30001))); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, want string
		change     func(*corev1.Service)
	}{
		{"a free address", "", address("10.96.0.11")},
		{"a taken address", "spec.clusterIPs[0]: Invalid value: [\"10.96.0.10\"]: failed to allocate IP 10.96.0.10: provided IP is already allocated", address("10.96.0.10")},
		{"an address outside", "the provided IP (10.97.0.1) is not in the valid range. The range of valid IPs is 10.96.0.0/26", address("10.97.0.1")},
		{"the network itself", "is not in the valid range", address("10.96.0.0")},
		{"a taken port", "spec.ports[0].nodePort: Invalid value: 30001: provided port is already allocated", port(30001)},
		{"a port outside", "spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-30063", port(80)},
		{"two families", "spec.ipFamilyPolicy: Invalid value: \"RequireDualStack\": this cluster is not configured for dual-stack services", func(s *corev1.Service) {
			both := corev1.IPFamilyPolicyRequireDualStack
			s.Spec.IPFamilyPolicy = &both
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before, beforePorts := taken(t, a)
			err := create(t, a, aService("second", tt.change))
			if tt.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
			after, afterPorts := taken(t, a)
			if d := cmp.Diff([][]string{before, beforePorts}, [][]string{after, afterPorts}); d != "" {
				t.Errorf("a refused service changed what is taken (-before +after):\n%s", d)
			}
		})
	}
}

func TestAFailedOrDryWriteTakesNothing(t *testing.T) {
	a := newAllocators(t, startEtcd(t))
	finish, err := a.BeginCreate(t.Context(), aService("failed", nodePort), &metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	finish(t.Context(), false)
	dry := aService("dry", nodePort, func(s *corev1.Service) {
		s.Spec.Ports = append(s.Spec.Ports, corev1.ServicePort{Name: "more", Port: 81, Protocol: corev1.ProtocolTCP})
	})
	finish, err = a.BeginCreate(t.Context(), dry, &metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	if err != nil {
		t.Fatal(err)
	}
	finish(t.Context(), true)
	if ports := dry.Spec.Ports; dry.Spec.ClusterIP == "" || ports[0].NodePort == 0 || ports[1].NodePort == 0 || ports[0].NodePort == ports[1].NodePort {
		t.Errorf("a dry run shows address %q and ports %v, want what a service would get", dry.Spec.ClusterIP, ports)
	}
	if ips, ports := taken(t, a); len(ips)+len(ports) > 0 {
		t.Errorf("taken: %v %v", ips, ports)
	}
}

func TestChangesOfTypeTakeAndGiveBack(t *testing.T) {
	a := newAllocators(t, startEtcd(t))
	s := aService("web")
	steps := []struct {
		name         string
		change       func(*corev1.Service)
		hasIP        bool
		ports        int
		keepsAddress bool
	}{
		{"to a node port", nodePort, true, 1, true},
		{"two ports", func(s *corev1.Service) {
			s.Spec.Ports = append(s.Spec.Ports, corev1.ServicePort{Name: "more", Port: 81, Protocol: corev1.ProtocolTCP})
		}, true, 2, true},
		{"to a load balancer that keeps clients' addresses", func(s *corev1.Service) {
			s.Spec.Type, s.Spec.ExternalTrafficPolicy = corev1.ServiceTypeLoadBalancer, corev1.ServiceExternalTrafficPolicyLocal
		}, true, 3, true},
		{"back to a cluster address", func(s *corev1.Service) { s.Spec.Type = corev1.ServiceTypeClusterIP }, true, 0, true},
		{"to an external name", func(s *corev1.Service) {
			s.Spec.Type, s.Spec.ExternalName = corev1.ServiceTypeExternalName, "example.com"
		}, false, 0, false},
		{"and back", func(s *corev1.Service) { s.Spec.Type = corev1.ServiceTypeClusterIP }, true, 0, false},
	}
	if err := create(t, a, s); err != nil {
		t.Fatal(err)
	}
	for _, step := range steps {
		next := s.DeepCopy()
		step.change(next)
		if err := update(t, a, next, s); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if step.keepsAddress && next.Spec.ClusterIP != s.Spec.ClusterIP {
			t.Errorf("%s: the address changed from %s to %s", step.name, s.Spec.ClusterIP, next.Spec.ClusterIP)
		}
		ips, ports := taken(t, a)
		var want []string
		if step.hasIP {
			want = []string{next.Spec.ClusterIP}
		}
		if d := cmp.Diff(want, ips); d != "" || len(ports) != step.ports {
			t.Errorf("%s: taken addresses (-want +got) %s, ports %v want %d", step.name, d, ports, step.ports)
		}
		s = next
	}
	a.AfterDelete(s, nil)
	if ips, ports := taken(t, a); len(ips)+len(ports) > 0 {
		t.Errorf("after deletion taken: %v %v", ips, ports)
	}
}

func TestAnUpdateThatKnowsNoAllocationsKeepsThem(t *testing.T) {
	a := newAllocators(t, startEtcd(t))
	stored := aService("web", nodePort)
	if err := create(t, a, stored); err != nil {
		t.Fatal(err)
	}
	manifest := aService("web", nodePort)
	if err := update(t, a, manifest, stored); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(stored.Spec, manifest.Spec); d != "" {
		t.Errorf("(-stored +updated):\n%s", d)
	}
}

func TestTCPAndUDPShareANodePort(t *testing.T) {
	a := newAllocators(t, startEtcd(t))
	s := aService("dns", nodePort, func(s *corev1.Service) {
		s.Spec.Ports = []corev1.ServicePort{{Name: "tcp", Port: 53, Protocol: corev1.ProtocolTCP}, {Name: "udp", Port: 53, Protocol: corev1.ProtocolUDP}}
	})
	if err := create(t, a, s); err != nil {
		t.Fatal(err)
	}
	if tcp, udp := s.Spec.Ports[0].NodePort, s.Spec.Ports[1].NodePort; tcp == 0 || tcp != udp {
		t.Errorf("node ports %d and %d, want one for both", tcp, udp)
	}
}

func TestRepairMakesTheLedgerTrue(t *testing.T) {
	kv := startEtcd(t)
	a := newAllocators(t, kv)
	lost, kept := aService("lost", nodePort), aService("kept")
	for _, s := range []*corev1.Service{lost, kept} {
		if err := create(t, a, s); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := kv.Delete(t.Context(), a.addresses.ledger.prefix+kept.Spec.ClusterIP); err != nil {
		t.Fatal(err)
	}
	list := func(context.Context) ([]corev1.Service, error) { return []corev1.Service{*kept}, nil }
	ofLost := []string{lost.Spec.ClusterIP, kept.Spec.ClusterIP}
	slices.Sort(ofLost)
	for _, step := range []struct {
		later time.Duration
		want  []string
	}{
		{0, ofLost}, // the lost one may be about to be written
		{2 * orphanAge, []string{kept.Spec.ClusterIP}},
	} {
		now := func() time.Time { return time.Now().Add(step.later) }
		a.addresses.ledger.now, a.ports.ledger.now = now, now
		if err := a.Repair(t.Context(), list); err != nil {
			t.Fatal(err)
		}
		ips, _ := taken(t, a)
		if d := cmp.Diff(step.want, ips); d != "" {
			t.Errorf("after %s (-want +got):\n%s", step.later, d)
		}
	}
	if _, ports := taken(t, a); len(ports) > 0 {
		t.Errorf("node ports still taken: %v", ports)
	}
}

func TestParseCIDR(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"10.96.0.0/16", ""},
		{"fd00:10:96::/112", ""},
		{"10.96.0.0/28", ""},
		{"10.96.0.0/29", "fewer than 16 addresses"},
		{"10.96.0.1/16", "did you mean 10.96.0.0/16?"},
		{"10.96.0.0", "no '/'"},
		{"", "no '/'"},
	} {
		_, err := ParseCIDR(tt.in)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("ParseCIDR(%q): got %v, want %q", tt.in, err, tt.want)
		}
	}
}

func FuzzAddStaysInOrder(f *testing.F) {
	f.Add("10.96.0.1", 255)
	f.Add("fd00::ffff", 1)
	f.Add("10.255.255.255", 1)
	f.Fuzz(func(t *testing.T, text string, n int) {
		a, err := netip.ParseAddr(text)
		if err != nil || n < 0 || n > 1<<20 || a.Zone() != "" {
			return
		}
		want := a
		for range min(n, 300) {
			want = want.Next()
		}
		if got := add(a, min(n, 300)); want.IsValid() && got != want {
			t.Errorf("add(%s, %d) = %s, want %s", a, n, got, want)
		}
	})
}
