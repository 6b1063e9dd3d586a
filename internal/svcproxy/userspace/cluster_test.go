//go:build linux && host

package userspace

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/causeway-access/causeway/internal/svcproxy"
	"github.com/causeway-access/causeway/test/fakeapi"
	"github.com/causeway-access/causeway/test/inside"
	"github.com/causeway-access/causeway/test/leak"
	"github.com/causeway-access/causeway/test/refusing"
)

func TestMain(m *testing.M) { leak.Main(m) }

// soon is how long a test waits for what must happen.
const soon = time.Minute

// cluster is services with real endpoints in the test's network.
type cluster struct {
	*testing.T
	client *fake.Clientset
	proxy  *Proxy
	stop   func() // ends the proxy and returns when it has ended
}

// start runs a proxy in the namespaces that the test is in.
func start(t *testing.T, edit func(*Config)) *cluster {
	t.Helper()
	c := &cluster{T: t, client: fakeapi.NewClientset()}
	factory := informers.NewSharedInformerFactory(c.client, 0)
	config := Config{Informers: factory, Node: "node-1", Ranges: []netip.Prefix{netip.MustParsePrefix("10.96.0.0/16")}}
	if edit != nil {
		edit(&config)
	}
	proxy, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	c.proxy = proxy
	ctx, cancel := context.WithCancel(context.Background())
	factory.Start(ctx.Done())
	ended := make(chan error, 1)
	go func() { ended <- proxy.Run(ctx) }()
	stopped := false
	c.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
		factory.Shutdown()
	}
	t.Cleanup(c.stop)
	c.until("the proxy is ready", proxy.HasSynced)
	return c
}

// until waits for something to become true.
func (c *cluster) until(what string, is func() bool) {
	c.Helper()
	for deadline := time.Now().Add(soon); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			c.Fatalf("not so after %s: %s", soon, what)
		}
	}
}

// service makes one with a port and the endpoints it has.
func (c *cluster) service(name, address string, protocol corev1.Protocol, endpoints ...string) {
	c.Helper()
	for _, e := range endpoints {
		c.addEndpoint(name, protocol, e)
	}
	s := serviceOf(name, address, protocol)
	if _, err := c.client.CoreV1().Services("default").Create(c.Context(), s, metav1.CreateOptions{}); err != nil {
		c.Fatal(err)
	}
}

func serviceOf(name, address string, protocol corev1.Protocol) *corev1.Service {
	at := netip.MustParseAddrPort(address)
	s := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}}
	s.Spec = corev1.ServiceSpec{
		ClusterIP: at.Addr().String(), ClusterIPs: []string{at.Addr().String()},
		Ports: []corev1.ServicePort{{Port: int32(at.Port()), Protocol: protocol}},
	}
	return s
}

// sliceOf is a slice of one endpoint: those of a test have different ports.
func sliceOf(service string, protocol corev1.Protocol, endpoint string) *discoveryv1.EndpointSlice {
	at := netip.MustParseAddrPort(endpoint)
	return &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "default", Name: fmt.Sprintf("%s-%d", service, at.Port()),
			Labels: map[string]string{discoveryv1.LabelServiceName: service},
		},
		AddressType: discoveryv1.AddressTypeIPv4,
		Ports:       []discoveryv1.EndpointPort{{Name: new(""), Port: new(int32(at.Port())), Protocol: &protocol}},
		Endpoints:   []discoveryv1.Endpoint{{Addresses: []string{at.Addr().String()}}},
	}
}

// without takes an endpoint away.
func (c *cluster) without(service string, endpoint string) {
	c.Helper()
	name := sliceOf(service, corev1.ProtocolTCP, endpoint).Name
	if err := c.client.DiscoveryV1().EndpointSlices("default").Delete(c.Context(), name, metav1.DeleteOptions{}); err != nil {
		c.Fatal(err)
	}
}

// streamBackend says its name, and then whatever is said to it.
func streamBackend(t *testing.T, name string) string {
	t.Helper()
	l, err := net.Listen("tcp", inside.Address+":0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_, _ = io.WriteString(conn, name+"\n")
				_, _ = io.Copy(conn, conn)
			}()
		}
	}()
	return l.Addr().String()
}

// packetBackend answers each packet with its name and the packet.
func packetBackend(t *testing.T, name string) (address string, closeIt func()) {
	t.Helper()
	l, err := net.ListenPacket("udp", inside.Address+":0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		buf := make([]byte, 64<<10)
		for {
			n, from, err := l.ReadFrom(buf)
			if err != nil {
				return
			}
			_, _ = l.WriteTo(append([]byte(name+" "), buf[:n]...), from)
		}
	}()
	return l.LocalAddr().String(), func() { l.Close() }
}

// dead is an address at which nothing listens.
func dead(t *testing.T) string { return refusing.Address(t, inside.Address).String() }

// client is one that is connected.
type client struct {
	net.Conn
	*bufio.Reader
	name string // of who answered
}

func (c client) Read(p []byte) (int, error) { return c.Reader.Read(p) }

// connect connects to a service and hears who answers.
func connect(dial func(network, address string) (net.Conn, error), address string) (client, error) {
	conn, err := dial("tcp", address)
	if err != nil {
		return client{}, err
	}
	_ = conn.SetDeadline(time.Now().Add(soon))
	r := bufio.NewReader(conn)
	name, err := r.ReadString('\n')
	if err != nil {
		conn.Close()
		return client{}, err
	}
	return client{conn, r, strings.TrimSpace(name)}, nil
}

// who says who answers at a service now, or the error.
func who(address string) string {
	c, err := connect(net.Dial, address)
	if err != nil {
		return err.Error()
	}
	c.Close()
	return c.name
}

// ask sends a packet until there is an answer.
func ask(t *testing.T, conn net.Conn, text string) string {
	t.Helper()
	buf := make([]byte, 64<<10)
	for deadline := time.Now().Add(soon); time.Now().Before(deadline); {
		_, _ = io.WriteString(conn, text) // refused is an answer to an earlier one
		_ = conn.SetReadDeadline(time.Now().Add(time.Second))
		n, err := conn.Read(buf)
		if err != nil {
			continue
		}
		if name, rest, _ := strings.Cut(string(buf[:n]), " "); rest == text {
			return name
		}
	}
	t.Fatalf("no answer from %s", conn.RemoteAddr())
	return ""
}

// rule makes one that is static.
func rule(protocol corev1.Protocol, key string, endpoints ...string) *svcproxy.Rule {
	r := &svcproxy.Rule{Key: svcproxy.Key{Protocol: protocol, Addr: netip.MustParseAddrPort(key)}, Port: "static"}
	for _, e := range endpoints {
		r.Endpoints = append(r.Endpoints, netip.MustParseAddrPort(e))
	}
	return r
}

// addEndpoint gives a service another one.
func (c *cluster) addEndpoint(service string, protocol corev1.Protocol, endpoint string) {
	c.Helper()
	if _, err := c.client.DiscoveryV1().EndpointSlices("default").Create(c.Context(), sliceOf(service, protocol, endpoint), metav1.CreateOptions{}); err != nil {
		c.Fatal(err)
	}
}

// remove removes a service; its slices stay.
func (c *cluster) remove(service string) {
	c.Helper()
	if err := c.client.CoreV1().Services("default").Delete(c.Context(), service, metav1.DeleteOptions{}); err != nil {
		c.Fatal(err)
	}
}
