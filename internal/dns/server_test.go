package dns_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	miekg "github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/informers"

	"github.com/causeway-access/causeway/internal/dns"
	"github.com/causeway-access/causeway/internal/dns/forward"
	"github.com/causeway-access/causeway/test/fakeapi"
)

const end = ".default.svc.cluster.local."

func service(name, ip string) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "default"},
		Spec:       corev1.ServiceSpec{ClusterIP: ip, Ports: []corev1.ServicePort{{Name: "http", Port: 80}}},
	}
}

func external(name, target string) *corev1.Service {
	s := service(name, "")
	s.Spec.Type, s.Spec.ExternalName = corev1.ServiceTypeExternalName, target
	return s
}

// big is a headless service with so many endpoints.
func big(n int) []runtime.Object {
	port, name := int32(8080), "http"
	s := &discoveryv1.EndpointSlice{
		ObjectMeta:  metav1.ObjectMeta{Name: "big-1", Namespace: "default", Labels: map[string]string{discoveryv1.LabelServiceName: "big"}},
		AddressType: discoveryv1.AddressTypeIPv4, Ports: []discoveryv1.EndpointPort{{Name: &name, Port: &port}},
	}
	for i := range n {
		s.Endpoints = append(s.Endpoints, discoveryv1.Endpoint{Addresses: []string{fmt.Sprintf("10.244.%d.%d", i/250, 1+i%250)}})
	}
	return []runtime.Object{service("big", "None"), s}
}

func world() []runtime.Object {
	return append(big(300),
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "default"}},
		service("kubernetes", "10.96.0.1"),
		external("inside", "kubernetes.default.svc.cluster.local"), external("outside", "www.example.com"),
		external("one", "two.default.svc.cluster.local"), external("two", "one.default.svc.cluster.local"),
		external("dangling", "nothing.default.svc.cluster.local"),
	)
}

// upstream answers for www.example.com and knows no other name.
func upstream(t *testing.T) netip.AddrPort {
	t.Helper()
	packets, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	started, done := make(chan struct{}), make(chan error, 1)
	s := &miekg.Server{PacketConn: packets, NotifyStartedFunc: func() { close(started) }, Handler: miekg.HandlerFunc(func(w miekg.ResponseWriter, r *miekg.Msg) {
		reply := new(miekg.Msg).SetRcode(r, miekg.RcodeNameError)
		if strings.EqualFold(r.Question[0].Name, "www.example.com.") {
			reply = new(miekg.Msg).SetReply(r)
			if r.Question[0].Qtype == miekg.TypeA {
				reply.Answer = []miekg.RR{&miekg.A{Hdr: miekg.RR_Header{Name: r.Question[0].Name, Rrtype: miekg.TypeA, Class: miekg.ClassINET, Ttl: 60}, A: net.IPv4(192, 0, 2, 1)}}
			}
		}
		_ = w.WriteMsg(reply)
	})}
	go func() { done <- s.ActivateAndServe() }()
	<-started
	t.Cleanup(func() {
		if err := errors.Join(s.Shutdown(), <-done); err != nil {
			t.Error(err)
		}
	})
	return packets.LocalAddr().(*net.UDPAddr).AddrPort()
}

// serve runs a server on loopback until the test ends, and returns where. With
// synced it has read the world; else it never does.
func serve(t *testing.T, synced bool, change func(*dns.Config)) string {
	t.Helper()
	sockets, err := dns.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	factory := informers.NewSharedInformerFactory(fakeapi.NewClientset(world()...), 0)
	cfg := dns.Config{
		Sockets: sockets, Informers: factory, Reverse: []netip.Prefix{netip.MustParsePrefix("10.96.0.0/16")},
		Forward: forward.Config{Servers: []netip.AddrPort{upstream(t)}, Try: time.Minute, Total: time.Minute}, Logger: slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&cfg)
	}
	s, err := dns.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the server ended with %v", err)
		}
		factory.Shutdown()
	})
	if synced {
		factory.Start(ctx.Done())
		for !s.HasSynced() {
			time.Sleep(time.Millisecond)
		}
	}
	return sockets.Addr().String()
}

// ask sends a question and returns the reply, by a client that waits long.
func ask(t *testing.T, server, network string, m *miekg.Msg) *miekg.Msg {
	t.Helper()
	client := miekg.Client{Net: network, Timeout: time.Minute, UDPSize: miekg.MaxMsgSize}
	reply, _, err := client.ExchangeContext(t.Context(), m, server)
	if err != nil {
		t.Fatalf("%s by %s: %v", m.Question[0].Name, network, err)
	}
	return reply
}

func question(name string, qtype uint16) *miekg.Msg { return new(miekg.Msg).SetQuestion(name, qtype) }

// said is a reply in a few words.
func said(m *miekg.Msg) []string {
	words := []string{miekg.RcodeToString[m.Rcode]}
	if m.Authoritative {
		words = append(words, "authoritative")
	}
	for _, r := range m.Answer {
		words = append(words, strings.Join(append([]string{r.Header().Name}, strings.Fields(r.String())[3:]...), " "))
	}
	for _, r := range m.Ns {
		words = append(words, miekg.TypeToString[r.Header().Rrtype])
	}
	return words
}

func TestAnswers(t *testing.T) {
	server := serve(t, true, nil)
	for _, tt := range []struct {
		name  string
		qtype uint16
		want  []string
	}{
		{"kubernetes" + end, miekg.TypeA, []string{"NOERROR", "authoritative", "kubernetes" + end + " A 10.96.0.1"}},
		{"kubernetes" + end, miekg.TypeAAAA, []string{"NOERROR", "authoritative", "SOA"}},
		{"nothing" + end, miekg.TypeA, []string{"NXDOMAIN", "authoritative", "SOA"}},
		{"1.0.96.10.in-addr.arpa.", miekg.TypePTR, []string{"NOERROR", "authoritative", "1.0.96.10.in-addr.arpa. PTR kubernetes" + end}},
		{"inside" + end, miekg.TypeA, []string{"NOERROR", "authoritative", "inside" + end + " CNAME kubernetes" + end, "kubernetes" + end + " A 10.96.0.1"}},
		{"inside" + end, miekg.TypeCNAME, []string{"NOERROR", "authoritative", "inside" + end + " CNAME kubernetes" + end}},
		{"outside" + end, miekg.TypeA, []string{"NOERROR", "authoritative", "outside" + end + " CNAME www.example.com.", "www.example.com. A 192.0.2.1"}},
		{"dangling" + end, miekg.TypeA, []string{"NXDOMAIN", "authoritative", "dangling" + end + " CNAME nothing" + end, "SOA"}},
		{"one" + end, miekg.TypeA, []string{"SERVFAIL"}},
		{"www.example.com.", miekg.TypeA, []string{"NOERROR", "www.example.com. A 192.0.2.1"}},
		{"nothing.example.com.", miekg.TypeA, []string{"NXDOMAIN"}},
		{"cluster.local.", miekg.TypeAXFR, []string{"REFUSED"}},
		{"cluster.local.", miekg.TypeIXFR, []string{"REFUSED"}},
		{"kubernetes" + end, miekg.TypeANY, []string{"NOERROR", "kubernetes" + end + ` HINFO "RFC8482" ""`}},
	} {
		for _, network := range []string{"udp", "tcp"} {
			m := question(tt.name, tt.qtype)
			reply := ask(t, server, network, m)
			if d := cmp.Diff(tt.want, said(reply)); d != "" {
				t.Errorf("%s %s by %s (-want +got):\n%s", tt.name, miekg.TypeToString[tt.qtype], network, d)
			}
			if !reply.RecursionAvailable || !reply.RecursionDesired || reply.IsEdns0() != nil {
				t.Errorf("%s by %s: wrong flags, or EDNS that was not asked for: %v", tt.name, network, reply)
			}
		}
	}
}

func TestWhatIsNoQuestionIsRefused(t *testing.T) {
	server := serve(t, true, nil)
	for _, tt := range []struct {
		name   string
		change func(*miekg.Msg)
		want   int
	}{
		{"another class", func(m *miekg.Msg) { m.Question[0].Qclass = miekg.ClassCHAOS }, miekg.RcodeRefused},
		{"a version of EDNS to come", func(m *miekg.Msg) { m.SetEdns0(1232, false); m.IsEdns0().SetVersion(1) }, miekg.RcodeBadVers},
		{"a notification", func(m *miekg.Msg) { m.Opcode = miekg.OpcodeNotify }, miekg.RcodeNotImplemented},
		{"an update", func(m *miekg.Msg) { m.Opcode = miekg.OpcodeUpdate }, miekg.RcodeNotImplemented},
		{"two questions", func(m *miekg.Msg) { m.Question = append(m.Question, m.Question[0]) }, miekg.RcodeFormatError},
		{"no recursion, for a name of others", func(m *miekg.Msg) {
			m.Question[0].Name, m.RecursionDesired = "www.example.com.", false
		}, miekg.RcodeRefused},
		{"no recursion, for a name of the cluster", func(m *miekg.Msg) { m.RecursionDesired = false }, miekg.RcodeSuccess},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := question("kubernetes"+end, miekg.TypeA)
			tt.change(m)
			if got := ask(t, server, "udp", m); got.Rcode != tt.want {
				t.Errorf("got %s, want %s", miekg.RcodeToString[got.Rcode], miekg.RcodeToString[tt.want])
			}
		})
	}
}

// A packet is no longer than its client and the path can take it.
func TestLongAnswers(t *testing.T) {
	server := serve(t, true, nil)
	for _, tt := range []struct {
		name, network string
		buffer        uint16 // zero: no EDNS
		longest       int
		truncated     bool
	}{
		{"a client of 1987", "udp", 0, 512, true},
		{"EDNS with a buffer that is too small", "udp", 100, 512, true},
		{"EDNS", "udp", 1232, 1232, true},
		{"EDNS with a huge buffer", "udp", 65535, 1232, true},
		{"TCP", "tcp", 0, 65535, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := question("big"+end, miekg.TypeA)
			if tt.buffer > 0 {
				m.SetEdns0(tt.buffer, false)
			}
			reply := ask(t, server, tt.network, m)
			reply.Compress = true
			if n := reply.Len(); n > tt.longest || reply.Truncated != tt.truncated || len(reply.Answer) == 0 {
				t.Errorf("got %d bytes with %d records, truncated %v; want at most %d, %v", n, len(reply.Answer), reply.Truncated, tt.longest, tt.truncated)
			}
			if !tt.truncated && len(reply.Answer) != 300 {
				t.Errorf("got %d records, want 300", len(reply.Answer))
			}
			if (reply.IsEdns0() != nil) != (tt.buffer > 0) {
				t.Errorf("EDNS in the reply: %v", reply.IsEdns0())
			}
		})
	}
}

// Before the cluster has been read, nobody may be told that a service does not
// exist.
func TestNobodyIsMisledBeforeTheClusterIsRead(t *testing.T) {
	server := serve(t, false, nil)
	for name, want := range map[string]int{"kubernetes" + end: miekg.RcodeServerFailure, "www.example.com.": miekg.RcodeSuccess} {
		if got := ask(t, server, "udp", question(name, miekg.TypeA)); got.Rcode != want || len(got.Ns) > 0 {
			t.Errorf("%s: got %s with %v, want %s", name, miekg.RcodeToString[got.Rcode], got.Ns, miekg.RcodeToString[want])
		}
	}
}

// A server whose resolv.conf names itself asks nobody.
func TestItNeverAsksItself(t *testing.T) {
	server := serve(t, true, func(cfg *dns.Config) {
		cfg.Forward = forward.Config{Servers: []netip.AddrPort{cfg.Sockets.Addr()}}
	})
	if got := ask(t, server, "udp", question("www.example.com.", miekg.TypeA)); got.Rcode != miekg.RcodeServerFailure {
		t.Errorf("got %s, want SERVFAIL", miekg.RcodeToString[got.Rcode])
	}
}

func TestConnectionsAreLimited(t *testing.T) {
	server := serve(t, true, func(cfg *dns.Config) { cfg.ConnectionsPerClient, cfg.Idle = 2, 2*time.Minute })
	var open []*miekg.Conn
	for range 2 {
		c, err := miekg.DialTimeout("tcp", server, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if err := talk(c); err != nil {
			t.Fatalf("a connection within the limit: %v", err)
		}
		open = append(open, c)
	}
	third, err := miekg.DialTimeout("tcp", server, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	defer third.Close()
	if err := talk(third); err == nil {
		t.Error("a third connection is served")
	}
	if err := talk(open[0]); err != nil {
		t.Errorf("the first does not work any more: %v", err)
	}
}

// talk asks by a connection.
func talk(c *miekg.Conn) error {
	if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		return err
	}
	if err := c.WriteMsg(question("kubernetes"+end, miekg.TypeA)); err != nil {
		return err
	}
	_, err := c.ReadMsg()
	return err
}

// Programs in Go use this resolver; with it, the search path of a pod.
func TestGoResolvesNames(t *testing.T) {
	server := serve(t, true, nil)
	r := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, server)
	}}
	var hosts []string
	err := patiently(func() (err error) {
		hosts, err = r.LookupHost(t.Context(), "kubernetes.default.svc.cluster.local.")
		return err
	})
	if err != nil || !slices.Equal(hosts, []string{"10.96.0.1"}) {
		t.Errorf("LookupHost: got %v, %v", hosts, err)
	}
	err = patiently(func() (err error) {
		hosts, err = r.LookupHost(t.Context(), "big.default.svc.cluster.local.")
		return err
	})
	if err != nil || len(hosts) != 300 {
		t.Errorf("LookupHost of many: got %d, %v; want 300", len(hosts), err)
	}
	var targets []*net.SRV
	err = patiently(func() (err error) {
		_, targets, err = r.LookupSRV(t.Context(), "http", "tcp", "kubernetes.default.svc.cluster.local.")
		return err
	})
	if err != nil || len(targets) != 1 || targets[0].Port != 80 || targets[0].Target != "kubernetes"+end {
		t.Errorf("LookupSRV: got %v, %v", targets, err)
	}
	var names []string
	err = patiently(func() (err error) {
		names, err = r.LookupAddr(t.Context(), "10.96.0.1")
		return err
	})
	if err != nil || !slices.Equal(names, []string{"kubernetes" + end}) {
		t.Errorf("LookupAddr: got %v, %v", names, err)
	}
	var name string
	err = patiently(func() (err error) {
		name, err = r.LookupCNAME(t.Context(), "inside.default.svc.cluster.local.")
		return err
	})
	if err != nil || name != "kubernetes"+end {
		t.Errorf("LookupCNAME: got %v, %v", name, err)
	}
	var missing *net.DNSError
	err = patiently(func() error {
		_, err := r.LookupHost(t.Context(), "nothing.default.svc.cluster.local.")
		return err
	})
	if !errors.As(err, &missing) || !missing.IsNotFound {
		t.Errorf("a name that does not exist: got %v", err)
	}
}

// patiently repeats what the resolver of Go, whose patience ends after a few
// seconds, gave up too early on a machine that is busy.
func patiently(try func() error) error {
	for range 10 {
		err := try()
		var slow *net.DNSError
		if !errors.As(err, &slow) || !slow.IsTimeout {
			return err
		}
	}
	return errors.New("no answer in time, ten times over")
}

func TestMetrics(t *testing.T) {
	registry := prometheus.NewRegistry()
	server := serve(t, true, func(cfg *dns.Config) { cfg.Register = registry.Register })
	ask(t, server, "udp", question("kubernetes"+end, miekg.TypeA))
	ask(t, server, "udp", question("nothing"+end, miekg.TypeLOC))
	ask(t, server, "udp", question("www.example.com.", miekg.TypeA))
	ask(t, server, "udp", question("www.example.com.", miekg.TypeA))
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := []string{}
	for _, f := range families {
		for _, m := range f.Metric {
			var labels []string
			for _, l := range m.Label {
				labels = append(labels, l.GetValue())
			}
			switch {
			case m.Counter != nil:
				got = append(got, fmt.Sprintf("%s %v %v", f.GetName(), labels, m.Counter.GetValue()))
			case m.Gauge != nil:
				got = append(got, fmt.Sprintf("%s %v", f.GetName(), m.Gauge.GetValue()))
			case m.Histogram.GetSampleCount() > 0:
				got = append(got, fmt.Sprintf("%s %v %d", f.GetName(), labels, m.Histogram.GetSampleCount()))
			}
		}
	}
	slices.Sort(got)
	want := []string{
		"causeway_dns_answer_duration_seconds [cache] 1",
		"causeway_dns_answer_duration_seconds [cluster] 2",
		"causeway_dns_answer_duration_seconds [upstream] 1",
		"causeway_dns_answers_total [NOERROR cache A] 1",
		"causeway_dns_answers_total [NOERROR cluster A] 1",
		"causeway_dns_answers_total [NOERROR upstream A] 1",
		"causeway_dns_answers_total [NXDOMAIN cluster other] 1",
		"causeway_dns_cache_entries 1",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestListenTakesOnePortForBoth(t *testing.T) {
	s, err := dns.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if udp := s.Packets.LocalAddr().(*net.UDPAddr).AddrPort(); udp != s.Addr() {
		t.Errorf("UDP is at %s, TCP at %s", udp, s.Addr())
	}
	if _, err := dns.Listen(s.Addr().String()); err == nil {
		t.Error("a port is taken twice")
	}
}
