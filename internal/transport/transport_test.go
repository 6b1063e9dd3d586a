package transport_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-access/causeway/internal/route"
	"github.com/causeway-access/causeway/internal/transport"
)

var loopback = transport.Guard{Allowed: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}}

func TestGuard(t *testing.T) {
	own := netip.MustParseAddrPort("10.9.0.1:6443")
	tests := []struct {
		addr    string
		allowed bool
	}{
		{"10.0.0.1:80", true}, {"192.168.1.1:80", true}, {"8.8.8.8:53", true}, {"[2001:db8::1]:80", true}, {"[fd00::1]:80", true},
		{"0.0.0.0:80", false}, {"0.1.2.3:80", false}, {"[::]:80", false},
		{"224.0.0.1:80", false}, {"[ff02::1]:80", false}, {"255.255.255.255:80", false},
		{"169.254.169.254:80", false}, {"[fe80::1]:80", false}, {"[fe80::1%eth0]:80", false}, {"[fd00:ec2::254]:80", false},
		{"127.0.0.1:80", false}, {"127.9.9.9:80", false}, {"[::1]:80", false},
		{"[::ffff:127.0.0.1]:80", false}, {"[::ffff:169.254.169.254]:80", false}, {"[64:ff9b::169.254.169.254]:80", false}, {"[64:ff9b::8.8.8.8]:80", true},
		{"10.9.0.1:6443", false}, {"10.9.0.1:6444", true},
	}
	g := transport.Guard{Own: []netip.AddrPort{own}}
	for _, tt := range tests {
		err := g.Check(netip.MustParseAddrPort(tt.addr))
		var denied *transport.DeniedError
		if (err == nil) != tt.allowed || err != nil && !errors.As(err, &denied) {
			t.Errorf("Check(%s) = %v, want allowed %t", tt.addr, err, tt.allowed)
		}
	}
	if err := g.Check(netip.AddrPort{}); err == nil {
		t.Error("no address at all is allowed")
	}
	if err := loopback.Check(netip.MustParseAddrPort("[::ffff:127.0.0.1]:80")); err != nil {
		t.Errorf("allowed loopback, mapped: %v", err)
	}
}

func FuzzGuard(f *testing.F) {
	f.Add([]byte{127, 0, 0, 1})
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 169, 254, 1, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		addr, ok := netip.AddrFromSlice(b)
		if !ok {
			return
		}
		var g transport.Guard
		if g.Check(netip.AddrPortFrom(addr, 80)) != nil {
			return
		}
		if a := addr.Unmap(); a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsUnspecified() || a.IsMulticast() {
			t.Errorf("%v is allowed", addr)
		}
	})
}

// hop returns the way to a test server.
func hop(s *httptest.Server, scheme string, trust route.Trust) transport.Hop {
	return transport.Hop{Endpoint: route.Endpoint{Addr: netip.MustParseAddrPort(s.Listener.Addr().String())}, Scheme: scheme, Trust: trust}
}

// get makes a request and returns the status, or the error.
func get(t *testing.T, tr *transport.Transport, h transport.Hop) (string, error) {
	t.Helper()
	var resp transport.Response
	if err := tr.RoundTrip(t.Context(), h, &transport.Request{Method: "GET", Path: "/"}, &resp); err != nil {
		return "", err
	}
	defer resp.Close()
	return fmt.Sprint(resp.Status, " ", resp.Get("Proto"), " ", resp.Get("Peer")), nil
}

// Section 1, backend TLS.
func TestTrust(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Proto", r.Proto)
		w.Header().Set("Peer", "none")
		if len(r.TLS.PeerCertificates) > 0 {
			w.Header().Set("Peer", "known")
		}
	}))
	s.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	s.EnableHTTP2 = true
	s.StartTLS()
	defer s.Close()
	right := x509.NewCertPool()
	right.AddCert(s.Certificate())
	pools := map[string]*x509.CertPool{"ns/configmap/right/ca": right, "ns/configmap/wrong/ca": x509.NewCertPool()}
	cfg := transport.Config{
		Guard: loopback,
		CA: func(_ context.Context, name string) (*x509.CertPool, error) {
			if p, ok := pools[name]; ok {
				return p, nil
			}
			return nil, errors.New("no such config map")
		},
		NodeTLS: func() *tls.Config { return &tls.Config{RootCAs: right, Certificates: s.TLS.Certificates} },
	}
	tests := []struct {
		name  string
		cfg   transport.Config
		trust route.Trust
		want  string
	}{
		{"not verified by default", cfg, route.Trust{}, "200 HTTP/2.0 none"},
		{"verified by annotation", cfg, route.Trust{CA: "ns/configmap/right/ca", ServerName: "example.com"}, "200 HTTP/2.0 none"},
		{"for another name", cfg, route.Trust{CA: "ns/configmap/right/ca", ServerName: "other.test"}, "certificate is valid for"},
		{"by another authority", cfg, route.Trust{CA: "ns/configmap/wrong/ca", ServerName: "example.com"}, "unknown authority"},
		{"by one that cannot be read", cfg, route.Trust{CA: "ns/x"}, "verifying against ns/x: no such config map"},
		{"by one that nobody can read", transport.Config{Guard: loopback}, route.Trust{CA: "ns/x"}, "this gateway cannot read it"},
		{"a node, both sides", cfg, route.Trust{Node: true}, "200 HTTP/2.0 known"},
		{"a node, without credentials", transport.Config{Guard: loopback}, route.Trust{Node: true}, "this gateway has no credentials for nodes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tr := transport.New(tt.cfg)
			defer tr.Close()
			got, err := get(t, tr, hop(s, route.SchemeHTTPS, tt.trust))
			var dial *transport.DialError
			if err != nil {
				if got = err.Error(); !errors.As(err, &dial) {
					t.Errorf("%v is no DialError, though nothing was sent", err)
				}
			}
			if !strings.Contains(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// newH2C starts a server of HTTP/2 without TLS and returns the way to it.
func newH2C(t *testing.T, handler http.HandlerFunc) transport.Hop {
	t.Helper()
	s := httptest.NewUnstartedServer(handler)
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
	t.Cleanup(s.Close)
	return hop(s, route.SchemeH2C, route.Trust{})
}

func TestH2C(t *testing.T) {
	h := newH2C(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "Grpc-Status")
		fmt.Fprint(w, r.Proto, " ", r.RequestURI, " ")
		io.Copy(w, r.Body)
		w.Header().Set("Grpc-Status", "0")
		w.Header().Set(http.TrailerPrefix+"Late", r.Trailer.Get("Sum"))
	})
	got := do(t.Context(), newTransport(t), h, &transport.Request{
		Method: "POST", Path: "/a%2Fb", Query: "c=%20", Length: -1, Body: strings.NewReader("body"), Trailer: http.Header{"Sum": {"4"}},
	})
	if got.err != nil || got.status != 200 || got.body != "HTTP/2.0 /a%2Fb?c=%20 body" {
		t.Errorf("got %+v", got)
	}
	if diff := cmp.Diff(http.Header{"Grpc-Status": {"0"}, "Late": {"4"}}, got.trailer); diff != "" {
		t.Errorf("trailer, -want +got:\n%s", diff)
	}
}

// A name is resolved once, and what is dialled is the address that was checked.
func TestNamesAreCheckedByTheirAddress(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer s.Close()
	addr := netip.MustParseAddrPort(s.Listener.Addr().String())
	asked := 0
	answers := [][]netip.Addr{{addr.Addr()}, {netip.MustParseAddr("169.254.169.254")}}
	tr := transport.New(transport.Config{
		Guard: loopback,
		Resolve: func(context.Context, string) ([]netip.Addr, error) {
			asked++
			return answers[min(asked, len(answers))-1], nil
		},
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			if address != addr.String() {
				t.Errorf("dialled %s, want %s", address, addr)
			}
			return (&net.Dialer{}).DialContext(ctx, network, address)
		},
	})
	defer tr.Close()
	h := transport.Hop{Endpoint: route.Endpoint{Host: "node.example", Addr: netip.AddrPortFrom(netip.Addr{}, addr.Port())}, Scheme: route.SchemeHTTP}
	if got, err := get(t, tr, h); err != nil || asked != 1 {
		t.Errorf("got %q, %v; resolved %d times", got, err, asked)
	}
	tr.Close() // the next request must dial
	_, err := get(t, tr, h)
	var denied *transport.DeniedError
	if !errors.As(err, &denied) {
		t.Errorf("after the name has changed: got %v, want it denied", err)
	}
}
