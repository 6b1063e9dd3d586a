package forward_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"github.com/causeway-access/causeway/internal/dns/forward"
)

// upstream is a real server on loopback that answers as it is told.
type upstream struct {
	addr  netip.AddrPort
	asked atomic.Int64 // questions besides probes
}

// serve starts an upstream server. What answer returns nil for gets no answer.
func serve(t *testing.T, answer func(network string, request *dns.Msg) *dns.Msg) *upstream {
	t.Helper()
	u := &upstream{}
	handler := dns.HandlerFunc(func(w dns.ResponseWriter, request *dns.Msg) {
		if request.Question[0].Qtype == dns.TypeHINFO { // a probe
			_ = w.WriteMsg(new(dns.Msg).SetRcode(request, dns.RcodeNameError))
			return
		}
		u.asked.Add(1)
		if reply := answer(w.RemoteAddr().Network(), request); reply != nil {
			_ = w.WriteMsg(reply)
		}
	})
	streams, packets := bind(t)
	u.addr = streams.Addr().(*net.TCPAddr).AddrPort()
	for _, s := range []*dns.Server{{Listener: streams, Handler: handler}, {PacketConn: packets, Handler: handler}} {
		started := make(chan struct{})
		s.NotifyStartedFunc = func() { close(started) }
		done := make(chan error, 1)
		go func() { done <- s.ActivateAndServe() }()
		<-started
		t.Cleanup(func() {
			if err := errors.Join(s.Shutdown(), <-done); err != nil {
				t.Error(err)
			}
		})
	}
	return u
}

// bind takes a port that is free for both protocols.
func bind(t *testing.T) (net.Listener, net.PacketConn) {
	t.Helper()
	for range 50 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		p, err := net.ListenPacket("udp", l.Addr().String())
		if err == nil {
			return l, p
		}
		_ = l.Close()
	}
	t.Fatal("no port is free for UDP and TCP")
	return nil, nil
}

func rr(t *testing.T, text string) dns.RR {
	t.Helper()
	r, err := dns.NewRR(text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// address answers each question with an address.
func address(t *testing.T, ttl int) func(string, *dns.Msg) *dns.Msg {
	return func(_ string, request *dns.Msg) *dns.Msg {
		reply := new(dns.Msg).SetReply(request)
		reply.Answer = []dns.RR{rr(t, fmt.Sprintf("%s %d IN A 192.0.2.1", request.Question[0].Name, ttl))}
		return reply
	}
}

var client = netip.MustParseAddr("10.244.0.5")

// patient is a configuration for tests that are not about time: nothing there
// ends by a limit, however slow the machine is.
func patient(servers ...*upstream) forward.Config {
	cfg := forward.Config{Try: time.Minute, Total: 2 * time.Minute, Logger: slog.New(slog.DiscardHandler)}
	for _, s := range servers {
		cfg.Servers = append(cfg.Servers, s.addr)
	}
	return cfg
}

func resolve(t *testing.T, f *forward.Forwarder, name string) (*dns.Msg, bool) {
	t.Helper()
	msg, remembered, err := f.Resolve(t.Context(), client, forward.Query{Name: name, Type: dns.TypeA})
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return msg, remembered
}

func TestAnswersAreRemembered(t *testing.T) {
	u := serve(t, address(t, 3600))
	f := forward.New(patient(u))
	first, remembered := resolve(t, f, "www.example.com.")
	if remembered || len(first.Answer) != 1 || first.Answer[0].Header().Ttl > 30 {
		t.Errorf("the first answer: remembered %v, %v; want an address with a TTL kept down to 30", remembered, first.Answer)
	}
	first.Answer[0].Header().Name = "mine." // it is the caller's to change
	again, remembered := resolve(t, f, "WWW.example.com.")
	if !remembered || again.Answer[0].Header().Name != "www.example.com." {
		t.Errorf("the second: remembered %v, %v", remembered, again.Answer)
	}
	if _, remembered, _ := f.Resolve(t.Context(), client, forward.Query{Name: "www.example.com.", Type: dns.TypeA, DNSSEC: true}); remembered {
		t.Error("an answer without signatures is given to who asks for them")
	}
	if n := u.asked.Load(); n != 2 {
		t.Errorf("the server was asked %d times, want 2", n)
	}
	if n := f.Cached(); n != 2 {
		t.Errorf("%d answers are remembered, want 2", n)
	}
}

func TestTheCacheIsBounded(t *testing.T) {
	cfg := patient(serve(t, address(t, 3600)))
	cfg.CacheSize = 5
	f := forward.New(cfg)
	for i := range 20 {
		resolve(t, f, fmt.Sprintf("n%d.example.com.", i))
	}
	if n := f.Cached(); n != 5 {
		t.Errorf("%d answers are remembered, want 5", n)
	}
}

func TestALongAnswerComesByTCP(t *testing.T) {
	u := serve(t, func(network string, request *dns.Msg) *dns.Msg {
		reply := new(dns.Msg).SetReply(request)
		reply.Truncated = network == "udp"
		if network == "tcp" {
			for i := range 200 {
				reply.Answer = append(reply.Answer, rr(t, fmt.Sprintf("%s 60 IN A 192.0.2.%d", request.Question[0].Name, i)))
			}
		}
		return reply
	})
	if msg, _ := resolve(t, forward.New(patient(u)), "many.example.com."); len(msg.Answer) != 200 {
		t.Errorf("got %d addresses, want 200", len(msg.Answer))
	}
}

func TestServersAreDialledAsIsSaid(t *testing.T) {
	u := serve(t, func(network string, request *dns.Msg) *dns.Msg {
		reply := address(t, 60)(network, request)
		reply.Truncated = network == "udp"
		return reply
	})
	var mu sync.Mutex
	dialled := map[string]bool{} // a probe, too
	cfg := patient()
	cfg.Servers = []netip.AddrPort{netip.MustParseAddrPort("192.0.2.53:53")}
	cfg.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		mu.Lock()
		dialled[network+" "+address] = true
		mu.Unlock()
		return new(net.Dialer).DialContext(ctx, network, u.addr.String())
	}
	if msg, _ := resolve(t, forward.New(cfg), "www.example.com."); len(msg.Answer) != 1 {
		t.Errorf("got %v", msg)
	}
	mu.Lock()
	defer mu.Unlock()
	if d := cmp.Diff(map[string]bool{"udp 192.0.2.53:53": true, "tcp 192.0.2.53:53": true}, dialled); d != "" {
		t.Errorf("dialled (-want +got):\n%s", d)
	}
}

func TestTheNextServerIsAsked(t *testing.T) {
	for _, tt := range []struct {
		name  string
		first func(string, *dns.Msg) *dns.Msg
	}{
		{"the first fails", func(_ string, r *dns.Msg) *dns.Msg { return new(dns.Msg).SetRcode(r, dns.RcodeServerFailure) }},
		{"it refuses", func(_ string, r *dns.Msg) *dns.Msg { return new(dns.Msg).SetRcode(r, dns.RcodeRefused) }},
		{"it answers another question", func(_ string, r *dns.Msg) *dns.Msg {
			reply := address(t, 60)("", r)
			reply.Question[0].Name = "www.example.org."
			return reply
		}},
		{"it sends the question back", func(_ string, r *dns.Msg) *dns.Msg { return r }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bad, good := serve(t, tt.first), serve(t, address(t, 0))
			f := forward.New(patient(bad, good))
			for range 3 {
				if msg, _ := resolve(t, f, "www.example.com."); len(msg.Answer) != 1 {
					t.Errorf("got %v", msg)
				}
			}
			if n := bad.asked.Load(); n != 1 {
				t.Errorf("the bad server was asked %d times, want once: the good one is asked first then", n)
			}
		})
	}
}

func TestASilentServerIsNotWaitedForLong(t *testing.T) {
	silent := serve(t, func(string, *dns.Msg) *dns.Msg { return nil })
	cfg := patient(silent, serve(t, address(t, 60)))
	cfg.Try = 100 * time.Millisecond
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	// The good server may be too slow for such a short try, too; it is asked
	// again then.
	f := forward.New(cfg)
	for {
		msg, _, err := f.Resolve(ctx, client, forward.Query{Name: "www.example.com.", Type: dns.TypeA})
		if err == nil && len(msg.Answer) == 1 {
			return
		}
		if ctx.Err() != nil {
			t.Fatalf("no answer: %v, %v", msg, err)
		}
	}
}

func TestThoseWhoAskTheSameWaitForOneAnswer(t *testing.T) {
	const clients = 20
	arrived, release := make(chan struct{}, clients), make(chan struct{})
	u := serve(t, func(_ string, r *dns.Msg) *dns.Msg {
		arrived <- struct{}{}
		<-release
		return address(t, 60)("", r)
	})
	f := forward.New(patient(u))
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			if msg, _, err := f.Resolve(t.Context(), client, forward.Query{Name: "www.example.com.", Type: dns.TypeA}); err != nil || len(msg.Answer) != 1 {
				t.Errorf("got %v, %v", msg, err)
			}
		})
	}
	<-arrived
	close(release)
	all.Wait()
	if n := u.asked.Load(); n != 1 {
		t.Errorf("the server was asked %d times, want once", n)
	}
}

func TestOneClientCannotTakeEverything(t *testing.T) {
	release := make(chan struct{})
	arrived := make(chan struct{}, 2)
	u := serve(t, func(_ string, r *dns.Msg) *dns.Msg {
		arrived <- struct{}{}
		<-release
		return address(t, 60)("", r)
	})
	cfg := patient(u)
	cfg.PerClient = 1
	f := forward.New(cfg)
	var all sync.WaitGroup
	ask := func(from, name string) {
		all.Go(func() {
			if _, _, err := f.Resolve(t.Context(), netip.MustParseAddr(from), forward.Query{Name: name, Type: dns.TypeA}); err != nil {
				t.Errorf("%s of %s: %v", name, from, err)
			}
		})
	}
	ask("10.0.0.1", "one.example.com.")
	<-arrived
	if _, _, err := f.Resolve(t.Context(), netip.MustParseAddr("10.0.0.1"), forward.Query{Name: "two.example.com.", Type: dns.TypeA}); !errors.Is(err, forward.ErrBusy) {
		t.Errorf("a second question: got %v, want %v", err, forward.ErrBusy)
	}
	ask("10.0.0.2", "three.example.com.")
	<-arrived
	close(release)
	all.Wait()
}

// A server that leads back here is found out, and asked no more.
func TestALoopIsBroken(t *testing.T) {
	var f *forward.Forwarder
	found := make(chan struct{})
	streams, packets := bind(t)
	handler := dns.HandlerFunc(func(w dns.ResponseWriter, r *dns.Msg) { // what the server does with a question
		if f.Returned(r.Question[0].Name) {
			close(found)
		}
		_ = w.WriteMsg(new(dns.Msg).SetRcode(r, dns.RcodeRefused))
	})
	s := &dns.Server{PacketConn: packets, Handler: handler}
	defer streams.Close()
	done := make(chan error, 1)
	started := make(chan struct{})
	s.NotifyStartedFunc = func() { close(started) }
	cfg := patient()
	cfg.Servers = []netip.AddrPort{streams.Addr().(*net.TCPAddr).AddrPort()}
	f = forward.New(cfg)
	go func() { done <- s.ActivateAndServe() }()
	<-started
	_, _, _ = f.Resolve(t.Context(), client, forward.Query{Name: "www.example.com.", Type: dns.TypeA}) // makes it look at its servers
	<-found
	_, _, err := f.Resolve(t.Context(), client, forward.Query{Name: "www.example.org.", Type: dns.TypeA})
	if err == nil || !strings.Contains(err.Error(), "no upstream server") {
		t.Errorf("got %v, want that nobody is left to ask", err)
	}
	if f.Returned("www.example.com.") {
		t.Error("an ordinary question is taken for a probe")
	}
	if err := errors.Join(s.Shutdown(), <-done); err != nil {
		t.Error(err)
	}
}

func TestResolvConf(t *testing.T) {
	dir := t.TempDir()
	for _, tt := range []struct{ name, text, want string }{
		{"it names this server alone", "nameserver 127.0.0.1\n", "names none but this server"},
		{"it names none", "search example.com\n", "names none"},
		{"it names something else", "nameserver here\n", "names none"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			file := filepath.Join(dir, strings.ReplaceAll(tt.name, " ", "-"))
			if err := os.WriteFile(file, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			f := forward.New(forward.Config{ResolvConf: file, Logger: slog.New(slog.DiscardHandler), Own: func(a netip.AddrPort) bool { return a.Addr().IsLoopback() }})
			_, _, err := f.Resolve(t.Context(), client, forward.Query{Name: "www.example.com.", Type: dns.TypeA})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
	f := forward.New(forward.Config{ResolvConf: filepath.Join(dir, "missing"), Logger: slog.New(slog.DiscardHandler)})
	if _, _, err := f.Resolve(t.Context(), client, forward.Query{Name: "www.example.com.", Type: dns.TypeA}); err == nil {
		t.Error("without a resolv.conf there is an answer")
	}
}

// What clients send along stays here.
func TestServersHearTheQuestionAlone(t *testing.T) {
	heard := make(chan *dns.Msg, 1)
	u := serve(t, func(_ string, r *dns.Msg) *dns.Msg {
		heard <- r.Copy()
		return address(t, 60)("", r)
	})
	f := forward.New(patient(u))
	_, _, err := f.Resolve(t.Context(), client, forward.Query{Name: "www.example.com.", Type: dns.TypeA, DNSSEC: true, CheckingDisabled: true})
	if err != nil {
		t.Fatal(err)
	}
	got, want := <-heard, new(dns.Msg).SetQuestion("www.example.com.", dns.TypeA)
	want.Id, want.CheckingDisabled = got.Id, true
	want.SetEdns0(1232, true)
	if d := cmp.Diff(want.String(), got.String()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
