// Package accesstest is the conformance suite of the access path: the rows of
// its specification and raw bytes that have led servers astray, as one set
// that every engine must pass, whatever it is made of.
//
// An engine is what accepts connections and speaks HTTP with clients and
// backends. The suite speaks with it by sockets alone: TLS from its own
// clients, and plain, TLS and HTTP/2 to its own backends, of which the most
// important one writes bytes as no server of good manners would. A row bears
// the section and the words of the specification that it holds the engine to.
// Floor F2, a part of gateway.
package accesstest

import (
	"crypto/tls"
	"net"
	"testing"

	"github.com/causeway-access/causeway/internal/gateway"
)

// Engine starts what is tested: it serves the configuration's access path on
// the listener, in TLS sessions with the given configuration, and ends with
// the test. HTTP/1.1 and HTTP/2 are to be agreed on by ALPN.
type Engine func(t *testing.T, cfg gateway.Config, l net.Listener, sessions *tls.Config)

// Run holds an engine to every row.
func Run(t *testing.T, start Engine) {
	for _, part := range []struct {
		name string
		run  func(*testing.T, Engine)
	}{
		{"1 Targets and their URLs", targets},
		{"1 Name segment", segments},
		{"1 Endpoint choice", endpoints},
		{"1 Addresses that may be dialled", addresses},
		{"1 Backend TLS", backendTLS},
		{"2 Request", requests},
		{"2 Bodies", bodies},
		{"3 Response", responses},
		{"3 HTML", pages},
		{"4 Upgrades", upgrades},
		{"4 Upgrades over HTTP/2", streams},
		{"5 Who may", permissions},
		{"5 Audit", audits},
		{"6 Redirect verb", redirects},
		{"Examples of the documents", documents},
		{"Raw bytes", rawBytes},
		{"Smuggling", smuggling},
		{"Smuggling by HTTP/2", downgrades},
		{"Advisories", advisories},
	} {
		t.Run(part.name, func(t *testing.T) { part.run(t, start) })
	}
}

// row is one line of the specification.
type row struct {
	// section and words say which.
	section, words string
	// only is the protocol in which the row can be written; empty for all.
	only string
	// test holds the engine to it. The client speaks one protocol.
	test func(t *testing.T, c *client)
}

// The protocols of clients.
const (
	http1 = "HTTP/1.1"
	http2 = "HTTP/2.0"
)

// run runs each row in each protocol in which it can be written.
func (w *world) run(t *testing.T, rows []row) {
	for _, protocol := range []string{http1, http2} {
		c := w.client(protocol)
		for _, r := range rows {
			if r.only != "" && r.only != protocol {
				continue
			}
			t.Run(protocol+" "+r.section+" "+r.words, func(t *testing.T) { r.test(t, c) })
		}
	}
}
