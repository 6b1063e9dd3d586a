package gateway

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// limited accepts connections and keeps them until their clients close them.
func limited(t *testing.T, perClient int) (address string, registry *prometheus.Registry) {
	t.Helper()
	registry = prometheus.NewRegistry()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l, err := LimitConnections(inner, perClient, registry.Register)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				io.WriteString(c, "in\n")
				io.Copy(io.Discard, c)
				c.Close() // twice does no harm
			}()
		}
	}()
	return inner.Addr().String(), registry
}

// connect comes from an address and reports whether it was let in.
func connect(t *testing.T, address, from string) (net.Conn, bool) {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	c, err := d.DialContext(t.Context(), "tcp", address)
	if err != nil {
		return nil, false // reset while it was made
	}
	t.Cleanup(func() { c.Close() })
	_, err = io.ReadFull(c, make([]byte, 3))
	return c, err == nil
}

func TestAClientHasSoManyConnections(t *testing.T) {
	address, registry := limited(t, 2)
	first, ok := connect(t, address, "127.0.0.1")
	if _, second := connect(t, address, "127.0.0.1"); !ok || !second {
		t.Fatal("not even two were let in")
	}
	for range 3 {
		if _, ok := connect(t, address, "127.0.0.1"); ok {
			t.Error("one too many was let in")
		}
	}
	if _, ok := connect(t, address, "127.0.0.2"); !ok {
		t.Error("another client was refused")
	}
	values := map[string]float64{}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		values[f.GetName()] = f.GetMetric()[0].GetCounter().GetValue() + f.GetMetric()[0].GetGauge().GetValue()
	}
	if values["causeway_connections"] != 3 || values["causeway_connections_refused_total"] != 3 {
		t.Errorf("metrics: %v, want 3 open and 3 refused", values)
	}
	first.Close()
	deadline := time.Now().Add(time.Minute)
	for {
		if _, ok := connect(t, address, "127.0.0.1"); ok {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("a connection that was closed still counts")
		}
	}
}

func TestAClientIsAnAddressOrAnIPv6Network(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		same bool
	}{
		{"192.0.2.1", "192.0.2.1", true},
		{"192.0.2.1", "192.0.2.2", false},
		{"192.0.2.1", "::ffff:192.0.2.1", true},
		{"2001:db8::1", "2001:db8::ffff:1", true},
		{"2001:db8::1", "2001:db8:0:1::1", false},
	} {
		a, b := clientOf(&net.TCPAddr{IP: net.ParseIP(tt.a), Port: 1}), clientOf(&net.TCPAddr{IP: net.ParseIP(tt.b), Port: 2})
		if (a == b) != tt.same {
			t.Errorf("%s and %s are one client: %t, want %t", tt.a, tt.b, a == b, tt.same)
		}
	}
}

// The rate decides, not the number.
func TestManyResetsInAShortTimeAreTooMany(t *testing.T) {
	now := time.Now()
	browser, attacker := &peer{}, &peer{}
	for i := range 10 * maxResets {
		if browser.reset(now.Add(time.Duration(i)*20*time.Millisecond), resetWindow) {
			t.Fatalf("fifty a second were too many after %d", i)
		}
	}
	ended := 0
	for range 2 * maxResets {
		if attacker.reset(now, resetWindow) {
			ended++
		}
	}
	if ended != 1 {
		t.Errorf("the connection was ended %d times, want once", ended)
	}
}
