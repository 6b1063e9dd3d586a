package gateway

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/causeway-access/causeway/internal/observe"
)

// uri returns path and query as the client sent them. What the server has
// parsed would lose the difference between %2F and a slash.
func uri(r *http.Request) string {
	if strings.HasPrefix(r.RequestURI, "/") {
		return r.RequestURI
	}
	return r.URL.RequestURI() // absolute form, or a request made by hand
}

// client returns the address that the request comes from.
func client(r *http.Request) netip.Addr {
	if ap, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		return ap.Addr().Unmap().WithZone("")
	}
	return netip.Addr{}
}

// proto returns the scheme by which the client came.
func proto(r *http.Request) string {
	if r.TLS != nil {
		return "https"
	}
	return "http"
}

// safe reports whether a method only reads, and has no body that matters.
func safe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead
}

// upgradeOf returns the protocol to which the request wants to be upgraded;
// empty if it does not. h2c is not one: it is a wish of the connection that
// ends here, and the request is a plain one. With a body it is a plain one too,
// as a server may decide (RFC 9110, section 7.8): where the body ends and the
// other protocol begins would be for three parties to agree on.
func upgradeOf(r *http.Request) string {
	if r.ProtoMajor != 1 || r.ContentLength != 0 || !httpguts.HeaderValuesContainsToken(r.Header["Connection"], "upgrade") {
		return ""
	}
	protocol := r.Header.Get("Upgrade")
	if strings.EqualFold(protocol, "h2c") {
		return ""
	}
	return protocol
}

// begin opens the account of a request to a target.
func (g *Gateway) begin(r *http.Request, path, query string) *observe.Line {
	line := open(r, path, query)
	g.observer.Begin(line, r.Header)
	return line
}

// open makes a request's account. The client may bring its identity.
func open(r *http.Request, path, query string) *observe.Line {
	id := r.Header.Get("Audit-Id")
	if id == "" || len(id) > 64 || strings.ContainsFunc(id, func(c rune) bool { return c <= ' ' || c > '~' }) {
		id = observe.NewID()
	}
	return &observe.Line{
		ID: id, Start: time.Now(), Method: r.Method, Path: path, Query: query,
		Client: remoteHost(r), UserAgent: r.UserAgent(),
	}
}

// remoteHost is client as text, also for addresses that are not IPs.
func remoteHost(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
