//go:build linux && host

package userspace

import (
	"context"
	"net"
	"net/netip"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
	corev1 "k8s.io/api/core/v1"

	"github.com/causeway-access/causeway/internal/svcproxy"
	"github.com/causeway-access/causeway/test/inside"
)

// withNodePort is a service of type NodePort.
func withNodePort(name, address string, protocol corev1.Protocol, port int32) *corev1.Service {
	s := serviceOf(name, address, protocol)
	s.Spec.Type, s.Spec.Ports[0].NodePort = corev1.ServiceTypeNodePort, port
	return s
}

// secondAddress is another one of the machine, beside [inside.Address].
const secondAddress = "198.51.100.7"

func addSecondAddress(t *testing.T) {
	t.Helper()
	if out, err := exec.Command("ip", "address", "add", secondAddress+"/32", "dev", "lo").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

func TestNodePortsAreAtAllAddressesOfTheNode(t *testing.T) {
	if !inside.Namespaces(t) {
		return
	}
	addSecondAddress(t)
	c := start(t, nil)
	table := c.proxy.table
	table.SetService(withNodePort("web", "10.96.3.7:80", tcp, 30080))
	for _, name := range []string{"one", "two", "three"} {
		table.SetSlice(sliceOf("web", tcp, streamBackend(t, name)))
	}
	name, _ := packetBackend(t, "dns")
	table.SetService(withNodePort("dns", "10.96.3.8:53", udp, 30080)) // the same number, of UDP
	table.SetSlice(sliceOf("dns", udp, name))
	c.until("the service is there", func() bool { return who("127.0.0.1:30080") != "" && !strings.Contains(who("127.0.0.1:30080"), " ") })

	for _, from := range []struct {
		name      string
		dial      func(network, address string) (net.Conn, error)
		addresses []string
	}{
		{"node", net.Dial, []string{inside.Address, secondAddress, "127.0.0.1"}},
		{"pod", pod(t), []string{inside.Address, secondAddress, "10.244.0.1"}},
	} {
		for _, address := range from.addresses {
			t.Run("from the "+from.name+" at "+address, func(t *testing.T) {
				at := net.JoinHostPort(address, "30080")
				got := map[string]bool{}
				for range 3 {
					conn, err := connect(from.dial, at)
					if err != nil {
						t.Fatal(err)
					}
					conn.Close()
					got[conn.name] = true
				}
				if len(got) != 3 {
					t.Errorf("three connections went to %v", got)
				}
				packets, err := from.dial("udp", at)
				if err != nil {
					t.Fatal(err)
				}
				defer packets.Close()
				// A connected socket takes answers from that address alone.
				for _, text := range []string{"kubernetes.default.svc", strings.Repeat("long ", 10000)} {
					if name := ask(t, packets, text); name != "dns" {
						t.Errorf("answered by %q", name)
					}
				}
			})
		}
	}
}

func TestNodePortsFollowTheirServices(t *testing.T) {
	if !inside.Namespaces(t) {
		return
	}
	c := start(t, nil)
	table := c.proxy.table
	is := func(what, port, want string) {
		t.Helper()
		c.until(what, func() bool { return strings.Contains(who("127.0.0.1:"+port), want) })
	}
	here, there := streamBackend(t, "here"), streamBackend(t, "there")
	local, far := sliceOf("web", tcp, here), sliceOf("web", tcp, there)
	local.Endpoints[0].NodeName, far.Endpoints[0].NodeName = new("node-1"), new("node-2")
	table.SetSlice(far)
	table.SetService(withNodePort("web", "10.96.3.7:80", tcp, 30080))
	is("it is there", "30080", "there")
	stream, err := connect(net.Dial, "127.0.0.1:30080")
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()

	s := withNodePort("web", "10.96.3.7:80", tcp, 30080)
	s.Spec.ExternalTrafficPolicy = corev1.ServiceExternalTrafficPolicyLocal
	table.SetService(s)
	is("nobody of this node answers", "30080", "refused")
	table.SetSlice(local)
	is("somebody of this node answers", "30080", "here")
	if name := who("127.0.0.1:30080"); name != "here" {
		t.Errorf("%s answers for the node", name)
	}
	table.SetService(withNodePort("web", "10.96.3.7:80", tcp, 30081))
	is("it has another port", "30081", "here")
	is("it does not have the first any more", "30080", "refused")
	table.SetService(serviceOf("web", "10.96.3.7:80", tcp))
	is("it has no node port any more", "30081", "refused")
	if name := who("10.96.3.7:80"); name != "here" && name != "there" {
		t.Errorf("its address: %s", name)
	}
	table.SetService(withNodePort("web", "10.96.3.7:80", tcp, 30080))
	is("it has one again", "30080", "here")
	table.DropService(s)
	is("it is gone", "30080", "refused")
	if _, err := stream.Write([]byte("still\n")); err != nil {
		t.Error(err)
	}
	if line, err := stream.ReadString('\n'); line != "still\n" {
		t.Errorf("a connection of before: %q, %v", line, err)
	}
}

func TestAClientOfANodePortStaysWhereHeWas(t *testing.T) {
	if !inside.Namespaces(t) {
		return
	}
	c := start(t, nil)
	for i := range 3 {
		c.proxy.table.SetSlice(sliceOf("web", tcp, streamBackend(t, strconv.Itoa(i))))
	}
	s := withNodePort("web", "10.96.3.7:80", tcp, 30080)
	s.Spec.SessionAffinity = corev1.ServiceAffinityClientIP
	c.proxy.table.SetService(s)
	c.until("the service is there", func() bool { _, err := strconv.Atoi(who("127.0.0.1:30080")); return err == nil })
	mine := who("127.0.0.1:30080")
	for range 8 {
		if name := who("127.0.0.1:30080"); name != mine {
			t.Errorf("the client was at %s and is at %s", mine, name)
		}
	}
}

// failures are what a proxy could not open.
type failures struct {
	mu   sync.Mutex
	list []string
}

func (f *failures) note(rule *svcproxy.Rule, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = append(f.list, rule.Of.String()+" "+rule.Key.String()+": "+err.Error())
}

func (f *failures) all() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(f.list, "\n")
}

func TestAPortOfAnotherProgramIsInNobodysWay(t *testing.T) {
	if !inside.Namespaces(t) {
		return
	}
	other, err := net.Listen("tcp", "127.0.0.1:30080")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	var failed failures
	c := start(t, func(config *Config) { config.Failed = failed.note })
	table := c.proxy.table
	table.SetSlice(sliceOf("web", tcp, streamBackend(t, "web")))
	table.SetService(withNodePort("web", "10.96.3.7:80", tcp, 30080))
	table.SetSlice(sliceOf("shop", tcp, streamBackend(t, "shop")))
	table.SetService(withNodePort("shop", "10.96.3.8:80", tcp, 30081))
	c.until("the other service is there", func() bool { return who("127.0.0.1:30081") == "shop" })
	c.until("its address is there", func() bool { return who("10.96.3.7:80") == "web" })
	c.until("somebody hears of it", func() bool { return failed.all() != "" })
	table.SetSlice(sliceOf("web", tcp, streamBackend(t, "web"))) // it changes meanwhile
	other.Close()
	c.until("the port is served when it is free", func() bool { return who("127.0.0.1:30080") == "web" })
	got := failed.all()
	if !strings.HasPrefix(got, "default/web TCP 0.0.0.0:30080: ") || !strings.Contains(got, "address already in use") || strings.Contains(got, "\n") {
		t.Errorf("heard of\n%s\nwant that one port is in use, once", got)
	}
}

// hostRule leads a port of the node to a pod.
func hostRule(of, at string, endpoint string) *svcproxy.Rule {
	r := rule(tcp, at, endpoint)
	r.Of.Namespace, r.Of.Name, r.Port = "default", of, "default/"+of+":main"
	return r
}

func TestHostPortsLeadToPods(t *testing.T) {
	if !inside.Namespaces(t) {
		return
	}
	addSecondAddress(t)
	var failed failures
	c := start(t, nil)
	is := func(what, address, want string) {
		t.Helper()
		c.until(what, func() bool { return strings.Contains(who(address), want) })
	}
	first, second := streamBackend(t, "first"), streamBackend(t, "second")
	c.proxy.Lead("1", []*svcproxy.Rule{hostRule("first", "0.0.0.0:8080", first), hostRule("first", secondAddress+":8081", first)}, failed.note)
	is("a port of all addresses", inside.Address+":8080", "first")
	is("a port of one address", secondAddress+":8081", "first")
	is("of no other", inside.Address+":8081", "refused")

	c.proxy.Lead("2", []*svcproxy.Rule{hostRule("second", "0.0.0.0:8080", second)}, failed.note)
	is("of two the later has it", inside.Address+":8080", "second")
	c.proxy.Lead("1", nil, nil)
	is("one has ended", secondAddress+":8081", "refused")
	if name := who(inside.Address + ":8080"); name != "second" {
		t.Errorf("the port of one that goes on leads to %s", name)
	}
	if text := failed.all(); text != "" {
		t.Errorf("heard of %s", text)
	}

	// A service's node port is in the way, and goes.
	c.proxy.table.SetService(withNodePort("web", "10.96.3.7:80", tcp, 30080))
	c.proxy.table.SetSlice(sliceOf("web", tcp, streamBackend(t, "web")))
	is("a node port", inside.Address+":30080", "web")
	c.proxy.Lead("3", []*svcproxy.Rule{hostRule("third", "0.0.0.0:30080", first)}, failed.note)
	c.until("the pod hears of it", func() bool { return strings.HasPrefix(failed.all(), "default/third TCP 0.0.0.0:30080: ") })
	is("it stays the service's", inside.Address+":30080", "web")
	c.proxy.table.DropService(withNodePort("web", "10.96.3.7:80", tcp, 30080))
	is("it is the pod's when the service is gone", inside.Address+":30080", "first")
	c.proxy.Lead("2", nil, nil)
	c.proxy.Lead("3", nil, nil)
	for _, port := range []string{"8080", "30080"} {
		is("nobody has it any more", inside.Address+":"+port, "refused")
	}
}

func TestPortsOfANodeCanBeOpenedElsewhere(t *testing.T) {
	if !inside.Namespaces(t) {
		return
	}
	asked := make(chan string, 2)
	own := ownEars()
	c := start(t, func(config *Config) {
		config.NodeListen = func(ctx context.Context, network, address string) (net.Listener, error) {
			asked <- network + " " + address
			return own.listen(ctx, network, address)
		}
		config.NodeListenPacket = own.listenPacket
	})
	c.proxy.table.SetSlice(sliceOf("web", tcp, streamBackend(t, "web")))
	c.proxy.table.SetService(withNodePort("web", "10.96.3.7:80", tcp, 30080))
	if got := <-asked; got != "tcp4 0.0.0.0:30080" {
		t.Errorf("asked for %q", got)
	}
	c.until("it is there", func() bool { return who("127.0.0.1:30080") == "web" })
}

// Where the node's ports are in another network, what has their number in this one
// is another program: the node's DNS server, say, and a pod's host port.
func TestAPortElsewhereIsNotThatOfAProgramHere(t *testing.T) {
	if !inside.Namespaces(t) {
		return
	}
	addSecondAddress(t) // of the other network
	own := ownEars()
	c := start(t, func(config *Config) {
		config.Addresses = []netip.Addr{netip.MustParseAddr(secondAddress)}
		config.NodeListen = func(ctx context.Context, network, address string) (net.Listener, error) {
			return own.listen(ctx, network, strings.Replace(address, "0.0.0.0", secondAddress, 1))
		}
		config.NodeListenPacket = own.listenPacket
	})
	here := streamBackend(t, "here")
	number := strconv.Itoa(int(netip.MustParseAddrPort(here).Port()))
	c.proxy.Lead("1", []*svcproxy.Rule{hostRule("pod", "0.0.0.0:"+number, streamBackend(t, "pod"))}, func(_ *svcproxy.Rule, err error) { t.Error(err) })
	table := c.proxy.table
	table.SetSlice(sliceOf("here", tcp, here))
	table.SetService(serviceOf("here", "10.96.3.1:80", tcp))
	table.SetSlice(sliceOf("back", tcp, secondAddress+":"+number))
	table.SetService(serviceOf("back", "10.96.3.2:80", tcp))
	c.until("the pod's port is open", func() bool { return who(secondAddress+":"+number) == "pod" })
	c.until("the program here is reached", func() bool { return who("10.96.3.1:80") == "here" })
	c.until("what leads back is not", func() bool { return strings.Contains(who("10.96.3.2:80"), "reset") })
}

// Where a port takes long to open, the others do not wait for it for long.
func TestAPortThatIsSlowToOpenHoldsUpNobody(t *testing.T) {
	if !inside.Namespaces(t) {
		return
	}
	own := ownEars()
	var failed failures
	c := start(t, func(config *Config) {
		config.Failed = failed.note
		config.NodeListen = func(ctx context.Context, network, address string) (net.Listener, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		config.NodeListenPacket = own.listenPacket
	})
	c.proxy.table.SetSlice(sliceOf("slow", tcp, streamBackend(t, "slow")))
	c.proxy.table.SetService(withNodePort("slow", "10.96.3.7:80", tcp, 30080))
	c.until("somebody hears of it", func() bool { return strings.Contains(failed.all(), "deadline exceeded") })
	c.proxy.table.SetSlice(sliceOf("web", tcp, streamBackend(t, "web")))
	c.proxy.table.SetService(serviceOf("web", "10.96.3.8:80", tcp))
	c.until("another service is there", func() bool { return who("10.96.3.8:80") == "web" })
}

// A key that is made of an address and a port is one of the node only if it
// stands for all of the addresses.
func TestWhichPortsAreTheNodes(t *testing.T) {
	for address, want := range map[string]bool{"0.0.0.0:80": true, "10.96.0.1:80": false, "127.0.0.1:80": false} {
		if got := (svcproxy.Key{Protocol: tcp, Addr: netip.MustParseAddrPort(address)}).OfNode(); got != want {
			t.Errorf("%s: %t", address, got)
		}
	}
}

// An endpoint at which the proxy itself listens is not dialled: else it would dial
// itself until it has no more files.
func TestAnEndpointThatLeadsBackIsRefused(t *testing.T) {
	if !inside.Namespaces(t) {
		return
	}
	addSecondAddress(t)
	c := start(t, func(config *Config) {
		config.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			if to := netip.MustParseAddrPort(address); to.Addr().String() != inside.Address || to.Port() == 30080 {
				t.Errorf("%s %s is dialled", network, address)
				return nil, syscall.ECONNREFUSED
			}
			return new(net.Dialer).DialContext(ctx, network, address)
		}
	})
	table := c.proxy.table
	for name, endpoint := range map[string]string{
		"itself": "10.96.3.1:80", "another": "10.96.3.1:80", "port": inside.Address + ":30080", "port-elsewhere": secondAddress + ":30080",
		"pod": secondAddress + ":8080",
	} {
		table.SetSlice(sliceOf(name, tcp, endpoint))
	}
	c.proxy.Lead("1", []*svcproxy.Rule{hostRule("pod", "0.0.0.0:8080", streamBackend(t, "pod"))}, func(_ *svcproxy.Rule, err error) { t.Error(err) })
	table.SetService(withNodePort("itself", "10.96.3.1:80", tcp, 30080))
	for i, name := range []string{"another", "port", "port-elsewhere", "pod"} {
		table.SetService(serviceOf(name, "10.96.3."+strconv.Itoa(i+2)+":80", tcp))
	}
	table.SetSlice(sliceOf("dns", udp, inside.Address+":30080"))
	table.SetService(withNodePort("dns", "10.96.3.9:53", udp, 30080))
	table.SetSlice(sliceOf("good", tcp, streamBackend(t, "good")))
	table.SetService(serviceOf("good", "10.96.3.8:80", tcp)) // the last one
	c.until("all are there", func() bool { return who("10.96.3.8:80") == "good" })
	for _, address := range []string{"10.96.3.1:80", "10.96.3.2:80", "10.96.3.3:80", "10.96.3.4:80", "10.96.3.5:80", "127.0.0.1:30080"} {
		if said := who(address); !strings.Contains(said, "reset") {
			t.Errorf("%s: %s", address, said)
		}
	}
	for _, address := range []string{"10.96.3.9:53", inside.Address + ":30080"} {
		packets, err := net.Dial("udp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer packets.Close()
		if _, err := packets.Write([]byte("anybody?")); err != nil {
			t.Error(err)
		}
	}
	c.until("what was sent is dropped", func() bool { return testutil.ToFloat64(c.proxy.meters.refused) >= 8 })
	if name := who(inside.Address + ":8080"); name != "pod" {
		t.Errorf("the pod's port: %s", name)
	}
}
