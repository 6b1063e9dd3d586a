//go:build linux && host

package userspace

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/vishvananda/netlink"
	corev1 "k8s.io/api/core/v1"

	"github.com/causeway-access/causeway/internal/svcproxy"
	"github.com/causeway-access/causeway/test/inside"
)

const (
	tcp = corev1.ProtocolTCP
	udp = corev1.ProtocolUDP
)

// pod is a network as a pod has it; the function dials from there.
func pod(t *testing.T) func(network, address string) (net.Conn, error) {
	t.Helper()
	p := &place{jobs: make(chan func())}
	entered := make(chan error)
	go p.stay(entered)
	if err := <-entered; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.network.Close(); close(p.jobs) })
	pair := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "pod"}, PeerName: "eth0", PeerNamespace: netlink.NsFd(p.network.Fd())}
	if err := netlink.LinkAdd(pair); err != nil {
		t.Fatal(err)
	}
	ip := func(lines ...string) error {
		for _, line := range lines {
			if out, err := exec.Command("ip", strings.Fields(line)...).CombinedOutput(); err != nil {
				return fmt.Errorf("ip %s: %w: %s", line, err, out)
			}
		}
		return nil
	}
	err := ip("address add 10.244.0.1/32 dev pod", "link set pod up", "route add 10.244.0.2/32 dev pod")
	if err == nil {
		err = p.do(func() error { // commands are started by the thread that is there
			return ip("link set lo up", "address add 10.244.0.2/32 dev eth0", "link set eth0 up",
				"route add 10.244.0.1 dev eth0", "route add default via 10.244.0.1")
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	return func(network, address string) (c net.Conn, err error) {
		err = p.do(func() error {
			c, err = net.DialTimeout(network, address, soon)
			return err
		})
		return c, err
	}
}

func TestServicesAreReachedFromPodsAndFromTheNode(t *testing.T) {
	if !inside.Namespaces(t) {
		return
	}
	everywhere, err := net.Listen("tcp", ":7000") // of the node, not of a service
	if err != nil {
		t.Fatal(err)
	}
	defer everywhere.Close()
	api := streamBackend(t, "api")
	c := start(t, func(config *Config) {
		config.Static = []*svcproxy.Rule{rule(tcp, "10.96.0.1:443", api)}
	})
	nameserver, _ := packetBackend(t, "dns")
	c.service("kubernetes", "10.96.0.1:443", tcp, dead(t)) // the static rule stands
	c.service("kube-dns", "10.96.0.10:53", udp, nameserver)
	c.service("web", "10.96.3.7:7001", tcp, streamBackend(t, "web-1"), dead(t), streamBackend(t, "web-2"))
	c.service("none", "10.96.3.8:80", tcp)
	c.service("all-dead", "10.96.3.9:80", tcp, dead(t), dead(t))
	c.service("last", "10.96.255.254:80", tcp, streamBackend(t, "last"))
	c.until("all services are there", func() bool { return who("10.96.255.254:80") == "last" })

	for _, from := range []struct {
		name string
		dial func(network, address string) (net.Conn, error)
	}{{"node", net.Dial}, {"pod", pod(t)}} {
		t.Run("from the "+from.name, func(t *testing.T) {
			got := map[string]int{}
			for range 12 {
				conn, err := connect(from.dial, "10.96.3.7:7001")
				if err != nil {
					t.Fatal(err)
				}
				conn.Close()
				got[conn.name]++
			}
			if got["web-1"] == 0 || got["web-2"] == 0 {
				t.Errorf("12 connections went to %v", got)
			}
			if conn, err := connect(from.dial, "10.96.0.1:443"); err != nil || conn.name != "api" {
				t.Errorf("the API server: %q, %v", conn.name, err)
			} else {
				conn.Close()
			}
			packets, err := from.dial("udp", "10.96.0.10:53")
			if err != nil {
				t.Fatal(err)
			}
			defer packets.Close()
			for i, text := range []string{"kubernetes.default.svc", "", strings.Repeat("long ", 10000)} {
				if name := ask(t, packets, text); name != "dns" {
					t.Errorf("question %d was answered by %q", i, name)
				}
			}
			for _, address := range []string{"10.96.3.8:80", "10.96.3.7:7000", "10.96.3.7:22", "10.96.77.77:80"} {
				if conn, err := from.dial("tcp", address); !errors.Is(err, syscall.ECONNREFUSED) {
					t.Errorf("%s: %v, %v, want it to be refused", address, conn, err)
				}
			}
			if conn, err := connect(from.dial, "10.96.3.9:80"); !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("a service of which no endpoint can be reached: %q, %v", conn.name, err)
			}
			refused, err := from.dial("udp", "10.96.3.7:53")
			if err != nil {
				t.Fatal(err)
			}
			defer refused.Close()
			_, _ = refused.Write([]byte("anybody?"))
			if _, err := refused.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("packets to a port that no service has: %v, want them to be refused", err)
			}
		})
	}
	checkGone(c)
}

// checkGone ends the proxy and looks for what it has left.
func checkGone(c *cluster) {
	c.Helper()
	c.stop()
	if _, err := netlink.LinkByName(placeLink); err == nil {
		c.Errorf("the interface %s is left", placeLink)
	}
	routes, err := exec.Command("ip", "route", "show", "table", "all").CombinedOutput()
	if err != nil || bytes.Contains(routes, []byte("10.96.")) {
		c.Errorf("routes are left: %v\n%s", err, routes)
	}
}

func TestMuchPassesBothWays(t *testing.T) {
	if !inside.Namespaces(t) {
		return
	}
	c := start(t, nil)
	c.service("web", "10.96.3.7:80", tcp, streamBackend(t, "web"))
	c.until("the service is there", func() bool { return who("10.96.3.7:80") == "web" })
	conn, err := connect(net.Dial, "10.96.3.7:80")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	much := bytes.Repeat([]byte("0123456789abcdef"), 1<<20)
	go func() {
		_, _ = conn.Write(much)
		_ = conn.Conn.(*net.TCPConn).CloseWrite()
	}()
	got, err := io.ReadAll(conn) // ends by the other's half close
	if err != nil || !bytes.Equal(got, much) {
		t.Errorf("%d of %d bytes came back, %v", len(got), len(much), err)
	}
}

func TestChangesLeaveConnectionsAlone(t *testing.T) {
	if !inside.Namespaces(t) {
		return
	}
	c := start(t, nil)
	first, second := streamBackend(t, "first"), streamBackend(t, "second")
	c.service("web", "10.96.3.7:80", tcp, first)
	one, _ := packetBackend(t, "one")
	two, closeTwo := packetBackend(t, "two")
	c.service("echo", "10.96.3.8:7", udp, one)
	c.until("web is there", func() bool { return who("10.96.3.7:80") == "first" })
	stream, err := connect(net.Dial, "10.96.3.7:80")
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	packets, err := net.Dial("udp", "10.96.3.8:7")
	if err != nil {
		t.Fatal(err)
	}
	defer packets.Close()
	if name := ask(t, packets, "hello"); name != "one" {
		t.Errorf("%s answered", name)
	}
	still := func(when string) {
		t.Helper()
		_, _ = io.WriteString(stream, when+"\n")
		if line, err := stream.ReadString('\n'); line != when+"\n" {
			t.Errorf("%s: heard %q, %v", when, line, err)
		}
	}

	c.addEndpoint("web", tcp, second)
	c.without("web", first)
	c.until("web is at the second", func() bool { return who("10.96.3.7:80") == "second" })
	still("its endpoint is gone")
	c.addEndpoint("echo", udp, two)
	c.without("echo", one)
	c.until("packets go to the second", func() bool { return ask(t, packets, "again") == "two" })

	c.without("web", second)
	c.until("web is refused", func() bool { return strings.Contains(who("10.96.3.7:80"), "refused") })
	still("no endpoint is left")
	c.addEndpoint("web", tcp, second)
	c.until("web is there again", func() bool { return who("10.96.3.7:80") == "second" })
	c.remove("web")
	c.until("web is refused again", func() bool { return strings.Contains(who("10.96.3.7:80"), "refused") })
	still("the service is gone")

	// An endpoint at which nothing listens any more says so itself.
	c.addEndpoint("echo", udp, one)
	closeTwo()
	c.until("packets go to the first again", func() bool { return ask(t, packets, "and again") == "one" })
}

func TestAClientStaysWhereHeWas(t *testing.T) {
	if !inside.Namespaces(t) {
		return
	}
	c := start(t, nil)
	service := serviceOf("web", "10.96.3.7:80", tcp)
	service.Spec.SessionAffinity = corev1.ServiceAffinityClientIP
	for i := range 3 { // the endpoints are there before the service
		c.proxy.table.SetSlice(sliceOf("web", tcp, streamBackend(t, strconv.Itoa(i))))
	}
	c.proxy.table.SetService(service)
	c.until("the service is there", func() bool { _, err := strconv.Atoi(who("10.96.3.7:80")); return err == nil })
	from := func(source string) string {
		dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(source)}}
		conn, err := connect(dialer.Dial, "10.96.3.7:80")
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		return conn.name
	}
	mine := from(inside.Address)
	for range 8 {
		if name := from(inside.Address); name != mine {
			t.Errorf("the client was at %s and is at %s", mine, name)
		}
	}
	if other := from("169.254.77.1"); other == mine {
		t.Error("another client is at the same endpoint as the first")
	}
}

// 1,000 services come, change and go; each is reached at every time.
func TestManyServices(t *testing.T) {
	if !inside.Namespaces(t) {
		return
	}
	c := start(t, nil)
	old, young := streamBackend(t, "old"), streamBackend(t, "young")
	const many = 1000
	address := func(i int) string {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 96, byte(1 + i/250), byte(1 + i%250)}), 80).String()
	}
	name := func(i int) string { return fmt.Sprintf("service-%d", i) }
	all := func(want string) {
		t.Helper()
		for i := range many {
			c.until(name(i)+" is "+want, func() bool { return strings.Contains(who(address(i)), want) })
		}
	}
	// The table is told by the test itself: the API's stand-in remembers only
	// a hundred changes for a watch.
	table := c.proxy.table
	for i := range many {
		table.SetService(serviceOf(name(i), address(i), tcp))
		table.SetSlice(sliceOf(name(i), tcp, old))
	}
	all("old")
	for i := range many {
		table.SetSlice(sliceOf(name(i), tcp, young))
		table.DropSlice(sliceOf(name(i), tcp, old))
	}
	all("young")
	for i := range many {
		table.DropService(serviceOf(name(i), address(i), tcp))
	}
	all("refused")
	checkGone(c)
}

func TestOneProxyHasTheAddresses(t *testing.T) {
	if !inside.Namespaces(t) {
		return
	}
	if err := exec.Command("ip", "route", "add", "10.96.0.0/16", "dev", "here").Run(); err != nil {
		t.Fatal(err)
	}
	ranges := []netip.Prefix{netip.MustParsePrefix("10.96.0.0/16")}
	if _, err := openPlace(t.Context(), ranges); err == nil || !strings.Contains(err.Error(), "another cluster") {
		t.Errorf("beside another cluster: %v", err)
	}
	if err := exec.Command("ip", "route", "del", "10.96.0.0/16", "dev", "here").Run(); err != nil {
		t.Fatal(err)
	}
	p, err := openPlace(t.Context(), ranges)
	if err != nil {
		t.Fatal("after a failure:", err)
	}
	defer p.close()
	if _, err := openPlace(t.Context(), ranges); err == nil || !strings.Contains(err.Error(), "another node agent") {
		t.Errorf("beside another proxy: %v", err)
	}
	if _, err := netlink.LinkByName(placeLink); err != nil {
		t.Errorf("the other proxy lost its interface: %v", err)
	}
}

// A proxy that was killed leaves nothing that is in the next one's way.
func TestTheNextProxyAfterOneThatWasKilled(t *testing.T) {
	const variable = "CAUSEWAY_TEST_DIE"
	ranges := []netip.Prefix{netip.MustParsePrefix("10.96.0.0/16")}
	if os.Getenv(variable) != "" {
		if _, err := openPlace(t.Context(), ranges); err != nil {
			t.Fatal(err)
		}
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
	if !inside.Namespaces(t) {
		return
	}
	dies := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$")
	dies.Env = append(os.Environ(), variable+"=yes")
	out, err := dies.CombinedOutput()
	var status *exec.ExitError
	if !errors.As(err, &status) || status.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("%v\n%s", err, out)
	}
	c := start(t, nil)
	checkGone(c)
}
