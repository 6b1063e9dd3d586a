package accesstest

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/netip"
	"strconv"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// dump is what a backend with a server's manners answers: the request's head
// as it reads it.
func dump(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain")
	w.Header().Set("Peer", "none")
	if r.TLS != nil && len(r.TLS.PeerCertificates) > 0 {
		w.Header().Set("Peer", r.TLS.PeerCertificates[0].Subject.CommonName)
	}
	w.Header().Set("Spoke", r.Proto)
	text, _ := httputil.DumpRequest(r, false)
	_, _ = w.Write(text)
}

// handled starts a server in plain HTTP/1.1.
func handled(t *testing.T, h http.HandlerFunc) netip.AddrPort {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return addrOf(s)
}

// newSecure starts a dumping server in TLS, with HTTP/1.1 alone, that asks for
// client certificates. Without a configuration its certificate is worth nothing.
func newSecure(t *testing.T, sessions *tls.Config) netip.AddrPort {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(dump))
	if sessions == nil {
		sessions = &tls.Config{}
	}
	s.TLS = sessions
	s.TLS.ClientAuth = tls.RequestClientCert
	s.StartTLS()
	t.Cleanup(s.Close)
	return addrOf(s)
}

// newH2C starts a server that speaks nothing but HTTP/2 without TLS.
func newH2C(t *testing.T, h http.HandlerFunc) netip.AddrPort {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
	t.Cleanup(s.Close)
	return addrOf(s)
}

func addrOf(s *httptest.Server) netip.AddrPort {
	return netip.MustParseAddrPort(s.Listener.Addr().String())
}

func portOf(a netip.AddrPort) string { return strconv.Itoa(int(a.Port())) }

func containerPort(name string, a netip.AddrPort) corev1.ContainerPort {
	return corev1.ContainerPort{Name: name, ContainerPort: int32(a.Port())}
}
