package tunnel

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// apiServer is one of several, with a hub of its own.
type apiServer struct {
	hub     *Hub
	http    *httptest.Server
	address string
}

// newAPIServer calls itself by its address unless that is to be another.
func newAPIServer(t *testing.T, name string) *apiServer {
	t.Helper()
	s := &apiServer{hub: &Hub{Log: slog.New(slog.DiscardHandler)}}
	s.http = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.hub.Accept(nodeName, w, r) }))
	s.address = strings.TrimPrefix(s.http.URL, "https://")
	if s.hub.Name = name; name == "" {
		s.hub.Name = s.address
	}
	t.Cleanup(s.end)
	return s
}

func (s *apiServer) end() {
	s.hub.Close()
	s.http.Close()
}

// newClients are those of a node that opens whatever it is asked for.
func newClients(t *testing.T) *Clients {
	t.Helper()
	c, err := NewClients(Config{
		Log: slog.New(slog.DiscardHandler), Open: (&net.Dialer{}).DialContext,
		TLS: func() (*tls.Config, error) { return &tls.Config{InsecureSkipVerify: true}, nil }, //nolint:gosec // of this test
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// reaches tells whether a server reaches what is behind the node.
func (s *apiServer) reaches(t *testing.T) bool {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c, err := s.hub.Dialer(nodeName)(ctx, "tcp", l.Addr().String())
	if err != nil {
		return false
	}
	c.Close()
	return true
}

func TestEachServerHasATunnel(t *testing.T) {
	one, two, three := newAPIServer(t, ""), newAPIServer(t, ""), newAPIServer(t, "")
	c := newClients(t)
	if c.Connected() {
		t.Error("it is connected before it knows a server")
	}
	c.Lead([]string{one.address, two.address}, nil)
	<-c.Opened()
	until(t, "both reach the node", func() bool { return one.reaches(t) && two.reaches(t) })
	until(t, "nothing is missing", func() bool { return cmp.Equal([]string(nil), c.Missing()) })

	one.end()
	until(t, "the one that ended is missing", func() bool { return cmp.Equal([]string{one.address}, c.Missing()) })
	if !c.Connected() || !two.reaches(t) {
		t.Error("the other does not reach the node any more")
	}
	c.Lead([]string{two.address, three.address}, nil)
	until(t, "the new one reaches the node", func() bool { return three.reaches(t) && len(c.Missing()) == 0 })

	c.Lead([]string{three.address}, nil)
	if !two.reaches(t) {
		t.Error("what goes through a server that is not named any more was cut")
	}
	two.end()
	until(t, "it is forgotten then", func() bool { c.mu.Lock(); defer c.mu.Unlock(); return len(c.all) == 1 })
	c.Lead([]string{two.address, three.address}, nil)
	if d := cmp.Diff([]string{two.address}, c.Missing()); d != "" {
		t.Errorf("missing (-want +got):\n%s", d)
	}
}

// A server may be told by two addresses: it has one tunnel, which goes by the
// other address when the first is gone.
func TestAServerWithTwoAddressesHasOneTunnel(t *testing.T) {
	s := newAPIServer(t, "api")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() { _ = s.http.Config.Serve(tls.NewListener(l, s.http.TLS)) }() // ends with its listener
	c := newClients(t)
	c.Lead([]string{s.address, l.Addr().String()}, nil)
	until(t, "one is open, and the other of the same server", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		open, same := 0, 0
		for _, a := range c.all {
			for _, m := range a.members {
				if m.Connected() {
					open++
				}
				if m.another.Load() {
					same++
				}
			}
		}
		return open == 1 && same == 1
	})
	if missing := c.Missing(); len(missing) > 0 {
		t.Errorf("%v are missing", missing)
	}
	if !s.reaches(t) {
		t.Error("the server does not reach the node")
	}
}

func TestTunnelsToSeveralServersNeedWhatOneNeeds(t *testing.T) {
	for name, cfg := range map[string]Config{"nothing": {}, "a server": {Server: "192.0.2.1:6443"}} {
		if c, err := NewClients(cfg); err == nil {
			c.Close()
			t.Errorf("given %s it is content", name)
		}
	}
}
