//go:build unix

package refusing

import (
	"errors"
	"net"
	"syscall"
	"testing"
)

func TestConnectionsAreRefusedAndThePortStaysTaken(t *testing.T) {
	address := Address(t, "127.0.0.1").String()
	for range 3 {
		c, err := net.Dial("tcp", address)
		if err == nil {
			c.Close()
		}
		if !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("dialling %s: %v, want it refused", address, err)
		}
	}
	l, err := net.Listen("tcp", address)
	if err == nil {
		l.Close()
	}
	if !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("listening on %s: %v, want it in use", address, err)
	}
}
