package localproxy_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/causeway-access/causeway/internal/localproxy"
)

func TestLoopbackOfBothFamilies(t *testing.T) {
	var listeners []net.Listener
	for tries := 0; len(listeners) != 2 && tries < 5; tries++ { // in IPv6 the port may be another's
		var err error
		if listeners, err = localproxy.Listen("127.0.0.1", 0); err != nil {
			t.Fatal(err)
		}
		for _, l := range listeners {
			defer l.Close()
		}
	}
	if !strings.HasPrefix(listeners[0].Addr().String(), "127.0.0.1:") {
		t.Errorf("the first is %s", listeners[0].Addr())
	}
	probe, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Log("this machine has no IPv6: one family is all there is")
		return
	}
	probe.Close()
	if len(listeners) != 2 {
		t.Errorf("%d listeners, want one of each family", len(listeners))
	}
}

func TestPortTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	want := "listen tcp " + l.Addr().String() + ": bind: address already in use"
	if _, err := localproxy.Listen("127.0.0.1", port); err == nil || err.Error() != want {
		t.Errorf("error: %v, want %s", err, want)
	}
}

func TestUnixSocket(t *testing.T) {
	dir, err := os.MkdirTemp("", "cw")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "proxy.sock")
	l, err := localproxy.ListenUnix(path)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if l.Addr().String() != path {
		t.Errorf("address %s", l.Addr())
	}
	if _, err := localproxy.ListenUnix(path); err == nil || !strings.Contains(err.Error(), "another process does") {
		t.Errorf("a socket in use: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	left, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	left.SetUnlinkOnClose(false)
	left.Close() // as a process that was killed leaves it
	again, err := localproxy.ListenUnix(path)
	if err != nil {
		t.Fatalf("a socket that was left over: %v", err)
	}
	again.Close()
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := localproxy.ListenUnix(path); err == nil || !strings.Contains(err.Error(), "no socket") {
		t.Errorf("a file: %v", err)
	}
}
