package route

import (
	"net/netip"
	"time"
)

// Backend is what a Target resolves to: the addresses that may answer and how
// they are spoken to. It is immutable once published; many requests share one.
type Backend struct {
	Resource  Resource
	Namespace string
	Name      string
	// Port tells the ports of one service apart: its name, or its number.
	Port string
	// Scheme is how the backend speaks if the caller does not say.
	Scheme string
	// Endpoints are the addresses to choose from: the ready ones, or the
	// terminating ones that still serve if no ready one is left. Never empty.
	Endpoints []Endpoint
	// Affinity is how long a client keeps to its endpoint; zero for services
	// without session affinity.
	Affinity time.Duration
	// Trust says how the backend's certificate is verified.
	Trust Trust
}

// Endpoint is one address of a Backend.
type Endpoint struct {
	// Addr is the address to dial. Its IP is the zero Addr if only a host name
	// is known; see Host.
	Addr netip.AddrPort
	// Host is a name to resolve, for nodes that have no address but a name.
	Host string
}

// String prints host and port as a dialler takes them.
func (e Endpoint) String() string {
	if e.Host == "" {
		return e.Addr.String()
	}
	return e.Host + ":" + portString(e.Addr.Port())
}

// Trust says how a backend's certificate is verified. The zero value does not
// verify, which is what the API server's proxy has always done.
type Trust struct {
	// Node asks for the gateway's own client certificate and for verification
	// against the authority of the nodes.
	Node bool
	// CA names what holds the PEM bundle to verify against: namespace,
	// "configmap" or "secret", name and key, joined by slashes.
	CA string
	// ServerName overrides the name that is verified.
	ServerName string
}

// Verified reports whether the certificate is looked at.
func (t Trust) Verified() bool { return t.Node || t.CA != "" }
