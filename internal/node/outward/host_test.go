//go:build host && linux

package outward

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/nftables"
	"golang.org/x/sys/unix"

	"github.com/causeway-access/causeway/internal/conn"
	"github.com/causeway-access/causeway/test/inside"
)

const (
	// podAddress is of a pod on this node, and nodeAddress the node's, where
	// outside is a neighbour.
	podAddress, nodeAddress, outsideAddress = "10.244.0.5", "198.51.100.1", "198.51.100.2"
	// elsewhere is a pod on another node.
	elsewhere = "10.244.7.7"
)

func config() Config {
	return Config{
		Table: "causeway-test", Pods: netip.MustParsePrefix("10.244.0.0/24"),
		Cluster: []netip.Prefix{netip.MustParsePrefix("10.244.0.0/16"), netip.MustParsePrefix("10.96.0.0/16")},
	}
}

// place is another network, which ends with the test.
type place struct {
	t   *testing.T
	pid int
}

func newPlace(t *testing.T) place {
	t.Helper()
	c := exec.Command("cat") // it ends with its standard input, which ends with the test
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		_ = c.Wait()
	})
	return place{t, c.Process.Pid}
}

// in does something in there.
func (p place) in(do func() error) {
	p.t.Helper()
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlock it: the thread ends with the goroutine
		f, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", p.pid))
		if err == nil {
			defer f.Close()
			err = unix.Setns(int(f.Fd()), unix.CLONE_NEWNET)
		}
		if err == nil {
			err = do()
		}
		done <- err
	}()
	if err := <-done; err != nil {
		p.t.Fatal(err)
	}
}

// ip runs the program of that name here, and in returns it for another place.
func ip(t *testing.T, p *place, args string) {
	t.Helper()
	words := strings.Fields("ip " + args)
	if p != nil {
		words = append([]string{"nsenter", "--net", "--target", fmt.Sprint(p.pid)}, words...)
	}
	if out, err := exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", words, err, out)
	}
}

// world is a pod, this node, and a machine outside that knows the way to
// another node's pods and not to ours.
func world(t *testing.T) (pod, outside place) {
	t.Helper()
	pod, outside = newPlace(t), newPlace(t)
	if err := os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0o600); err != nil {
		t.Fatal(err)
	}
	ip(t, nil, fmt.Sprintf("link add cwpod type veth peer name eth0 netns %d", pod.pid))
	ip(t, nil, "address add 10.244.0.1/32 dev cwpod")
	ip(t, nil, "link set cwpod up")
	ip(t, nil, "route add "+podAddress+"/32 dev cwpod")
	ip(t, &pod, "link set eth0 up")
	ip(t, &pod, "address add "+podAddress+"/32 dev eth0")
	ip(t, &pod, "route add 10.244.0.1 dev eth0")
	ip(t, &pod, "route add default via 10.244.0.1")
	ip(t, nil, fmt.Sprintf("link add uplink type veth peer name eth0 netns %d", outside.pid))
	ip(t, nil, "address add "+nodeAddress+"/24 dev uplink")
	ip(t, nil, "link set uplink up")
	ip(t, nil, "route add "+elsewhere+"/32 via "+outsideAddress)
	ip(t, &outside, "link set lo up")
	ip(t, &outside, "link set eth0 up")
	ip(t, &outside, "address add "+outsideAddress+"/24 dev eth0")
	ip(t, &outside, "address add "+elsewhere+"/32 dev lo")
	return pod, outside
}

// serveSource tells clients from where they come.
func serveSource(t *testing.T, listen func(address string) net.Listener, address string) {
	t.Helper()
	l := listen(address)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(c, conn.AddrPort(c.RemoteAddr()).Addr().String())
			c.Close()
		}
	}()
}

func (p place) listen(address string) (l net.Listener) {
	p.t.Helper()
	p.in(func() (err error) {
		l, err = net.Listen("tcp4", address)
		return err
	})
	return l
}

// ask is what a server tells who asks from there.
func (p place) ask(address string) (said string, err error) {
	p.t.Helper()
	p.in(func() error {
		var c net.Conn
		if c, err = net.DialTimeout("tcp4", address, time.Minute); err != nil {
			return nil
		}
		defer c.Close()
		var data []byte
		data, err = io.ReadAll(c)
		said = string(data)
		return nil
	})
	return said, err
}

// run runs the way until the test ends or stop is called.
func run(t *testing.T, cfg Config) (w *Way, stop func()) {
	t.Helper()
	w, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	stop = func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		ended <- nil
	}
	t.Cleanup(stop)
	for deadline := time.Now().Add(time.Minute); !tableThere(t); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("no rules come: %v", w.Missing())
		}
	}
	return w, stop
}

func tableThere(t *testing.T) bool {
	t.Helper()
	c, err := nftables.New()
	if err != nil {
		t.Fatal(err)
	}
	tables, err := c.ListTables()
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(tables, func(table *nftables.Table) bool { return table.Name == "causeway-test" })
}

// TestPodsAreMasqueradedOutsideAlone: a server outside sees the node, a pod on
// another node sees the pod.
func TestPodsAreMasqueradedOutsideAlone(t *testing.T) {
	if !inside.Namespaces(t) {
		return
	}
	pod, outside := world(t)
	serveSource(t, outside.listen, outsideAddress+":80")
	serveSource(t, outside.listen, elsewhere+":80")
	w, stop := run(t, config())
	if missing := w.Missing(); missing != nil {
		t.Errorf("missing: %q", missing)
	}
	if said, err := pod.ask(outsideAddress + ":80"); said != nodeAddress {
		t.Errorf("outside sees %q, %v", said, err)
	}
	ip(t, &outside, "route add 10.244.0.0/24 via "+nodeAddress)
	if said, err := pod.ask(elsewhere + ":80"); said != podAddress {
		t.Errorf("a pod of another node sees %q, %v", said, err)
	}
	if err := write(config(), 0, nil); err != nil { // again, as after a while
		t.Fatal(err)
	}
	stop()
	if said, err := pod.ask(outsideAddress + ":80"); said != nodeAddress {
		t.Errorf("after the agent's end outside sees %q, %v", said, err)
	}
	for range 2 { // the second time there is nothing
		if err := Remove("causeway-test"); err != nil {
			t.Error(err)
		}
	}
	if tableThere(t) {
		t.Error("rules are left")
	}
}

// listenHere listens in the network that the test is in.
func listenHere(t *testing.T) func(address string) net.Listener {
	return func(address string) net.Listener {
		t.Helper()
		l, err := net.Listen("tcp4", address)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
}

// TestConnectionsOfAnotherNetworkAreMadeOutside: the agent's network has no way
// out, but it knows who dials.
func TestConnectionsOfAnotherNetworkAreMadeOutside(t *testing.T) {
	if !inside.Namespaces(t) {
		return
	}
	pod, _ := world(t)
	serveSource(t, listenHere(t), "127.0.0.1:8099")
	cfg := config()
	cfg.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		if network != "tcp" || address != "203.0.113.9:443" {
			return nil, fmt.Errorf("dialling %s %s", network, address)
		}
		return new(net.Dialer).DialContext(ctx, network, "127.0.0.1:8099")
	}
	w, _ := run(t, cfg)
	if missing := strings.Join(w.Missing(), "; "); missing != "the network outside of the cluster but by TCP" {
		t.Errorf("missing: %q", missing)
	}
	if said, err := pod.ask("203.0.113.9:443"); said != "127.0.0.1" {
		t.Errorf("the pod hears %q, %v", said, err)
	}
	if said, err := pod.ask("203.0.113.9:444"); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("what cannot be dialled says %q, %v", said, err)
	}
	relay := relayPort(t)
	if said, err := pod.ask("10.244.0.1:" + relay); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the relay itself says %q, %v", said, err)
	}
}

// TestPodsToWhichThereIsNoRouteAreReachedByTheAgent: it makes the connections of
// pods and of the machine, as long as there is no route.
func TestPodsToWhichThereIsNoRouteAreReachedByTheAgent(t *testing.T) {
	if !inside.Namespaces(t) {
		return
	}
	pod, outside := world(t)
	serveSource(t, outside.listen, elsewhere+":80")
	serveSource(t, outside.listen, outsideAddress+":80")
	serveSource(t, listenHere(t), "127.0.0.1:8099")
	var detours atomic.Pointer[[]netip.Prefix]
	detours.Store(new([]netip.Prefix))
	changed := make(chan struct{})
	cfg := config()
	cfg.Detours, cfg.Changed = func() []netip.Prefix { return *detours.Load() }, changed
	cfg.Detoured = func(a netip.Addr) bool { return a == netip.MustParseAddr(elsewhere) }
	cfg.Detour = func(ctx context.Context, network, address string) (net.Conn, error) {
		if network != "tcp" || address != elsewhere+":80" {
			return nil, fmt.Errorf("dialling %s %s", network, address)
		}
		return new(net.Dialer).DialContext(ctx, network, "127.0.0.1:8099")
	}
	run(t, cfg)
	ip(t, &outside, "route add 10.244.0.0/24 via "+nodeAddress)
	if said, err := pod.ask(elsewhere + ":80"); said != podAddress {
		t.Errorf("while there is a route the pod of another node sees %q, %v", said, err)
	}
	detours.Store(&[]netip.Prefix{netip.MustParsePrefix("10.244.7.0/24"), netip.MustParsePrefix("fd00:7::/64")})
	for range 2 { // when the second is taken, what came of the first is done
		changed <- struct{}{}
	}
	if said, err := pod.ask(elsewhere + ":80"); said != "127.0.0.1" {
		t.Errorf("the pod hears %q, %v", said, err)
	}
	if said, err := pod.ask(elsewhere + ":81"); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("what cannot be dialled says %q, %v", said, err)
	}
	if c, err := net.DialTimeout("tcp4", elsewhere+":80", time.Minute); err != nil {
		t.Errorf("the machine: %v", err)
	} else if said, err := io.ReadAll(c); string(said) != "127.0.0.1" || c.Close() != nil {
		t.Errorf("the machine hears %q, %v", said, err)
	}
	if said, err := pod.ask(outsideAddress + ":80"); said != nodeAddress {
		t.Errorf("outside sees %q, %v", said, err)
	}
	if said, err := pod.ask("10.244.0.1:" + relayPort(t)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the relay itself says %q, %v", said, err)
	}
	detours.Store(new([]netip.Prefix))
	for range 2 {
		changed <- struct{}{}
	}
	if said, err := pod.ask(elsewhere + ":80"); said != podAddress {
		t.Errorf("when there is a route again the pod of another node sees %q, %v", said, err)
	}
}

// relayPort is the only port here that is listened on at all addresses.
func relayPort(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("ss", "-Hltn4").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		if words := strings.Fields(line); len(words) > 3 && strings.HasPrefix(words[3], "0.0.0.0:") {
			return strings.TrimPrefix(words[3], "0.0.0.0:")
		}
	}
	t.Fatalf("nobody listens:\n%s", out)
	return ""
}
