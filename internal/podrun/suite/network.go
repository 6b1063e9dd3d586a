package suite

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/causeway-access/causeway/internal/podrun"
)

// server answers one line on a port of the pod.
const server = `python3 -c '
import socket
s = socket.create_server(("0.0.0.0", 8080))
print("listening", flush=True)
while True:
    c, a = s.accept()
    c.sendall(("hello " + a[0] + "\n").encode())
    c.close()'`

// client reads from an address.
const client = `python3 -c 'import socket; print(socket.create_connection(("%s", 8080), 60).recv(100).decode().strip())'`

func serve(t *testing.T, p *pod) {
	t.Helper()
	p.start(server)
	eventually(t, "the server listens", func() bool { return strings.Contains(p.log(), "listening") })
}

func testDial(t *testing.T, p *pod) {
	serve(t, p)
	c, err := p.Dial(t.Context(), p.id, 8080)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	heard, err := io.ReadAll(c)
	if err != nil {
		t.Error(err)
	}
	equal(t, "what the server says", string(heard), "hello 127.0.0.1\n")
	c, err = p.Dial(t.Context(), p.id, 8081)
	if err == nil {
		defer c.Close()
		_, err = c.Read(make([]byte, 1))
	}
	if err == nil || err == io.EOF || !strings.Contains(err.Error(), "refused") {
		t.Errorf("a port where nobody listens: %v", err)
	}
}

func testNetwork(t *testing.T, p *pod) {
	serve(t, p)
	address := p.address()
	equal(t, "another container", p.run(fmt.Sprintf(client, "127.0.0.1")), "hello 127.0.0.1\n")
	other := sandbox(t, p.Runtime, p.image, podrun.SandboxConfig{Name: "other"})
	equal(t, "another pod", other.run(fmt.Sprintf(client, address)), "hello "+other.address()+"\n")
	if address == other.address() {
		t.Errorf("two pods have the address %s", address)
	}
	host := sandbox(t, p.Runtime, p.image, podrun.SandboxConfig{Name: "host", HostNetwork: true})
	contains(t, "a pod with the node's network", host.run(fmt.Sprintf(client, address)), "hello ")
	if list := host.addresses(); len(list) != 0 {
		t.Errorf("a pod with the node's network has addresses: %v", list)
	}
}

func testHostNamespaces(t *testing.T, p *pod) {
	// This process is known by its arguments; the script has none like them.
	const seen = "cat /proc/[0-9]*/cmdline 2>/dev/null | grep -aq 'test[.]run=' && echo seen; echo 1 2>/dev/null > /proc/sys/kernel/sysrq || echo fixed"
	equal(t, "the node's processes in an ordinary pod", p.run(seen), "fixed\n")
	host := sandbox(t, p.Runtime, p.image, podrun.SandboxConfig{Name: "host", HostPID: true, HostIPC: true})
	equal(t, "the node's processes in a pod that asks for them", host.run(seen), "seen\nfixed\n")
}

func (p *pod) addresses() []string {
	p.t.Helper()
	list, err := p.List(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	var addresses []string
	for _, s := range list {
		for _, ip := range s.IPs {
			if s.ID == p.id {
				addresses = append(addresses, ip.String())
			}
		}
	}
	return addresses
}

func (p *pod) address() string {
	p.t.Helper()
	if list := p.addresses(); len(list) == 1 {
		return list[0]
	}
	p.t.Fatal("the pod has no address")
	return ""
}
