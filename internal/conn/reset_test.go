package conn_test

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"syscall"
	"testing"

	"github.com/causeway-access/causeway/internal/conn"
)

func TestAResetIsNoEnd(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err := net.Dial("tcp4", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	conn.Reset(server)
	if _, err := io.ReadAll(client); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the peer hears %v, want a reset", err)
	}
}

func TestAddressesOfPeers(t *testing.T) {
	want := netip.MustParseAddrPort("192.0.2.1:80")
	mapped := net.IPv4(192, 0, 2, 1) // in 16 bytes
	for _, a := range []net.Addr{&net.TCPAddr{IP: mapped, Port: 80}, &net.UDPAddr{IP: mapped.To4(), Port: 80}} {
		if got := conn.AddrPort(a); got != want {
			t.Errorf("%T: %v, want %v", a, got, want)
		}
	}
	if got := conn.AddrPort(&net.UnixAddr{Name: "x"}); got.Addr().IsValid() {
		t.Errorf("a socket without addresses has %v", got)
	}
}
