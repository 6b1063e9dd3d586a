// Package xconnect lets WebSockets come over HTTP/2: it turns an extended
// CONNECT (RFC 8441) into what all handlers know, an HTTP/1.1 request to be
// upgraded whose connection can be hijacked.
//
// To those behind [Handler] nothing tells the two apart, authorisation, audit
// and proxying included. What they write on the hijacked connection is read
// again: the head of a 101 becomes a 200 of the stream, any other answer an
// answer of HTTP/2. A server that offers extended CONNECT must have [Handler]
// before all handlers that take WebSockets. Floor F0.
package xconnect

import (
	"crypto/rand"
	"encoding/base64"
	"maps"
	"net/http"
)

// protocolHeader is where servers, Go's and ours, put the pseudo-header field
// :protocol.
const protocolHeader = ":protocol"

// websocket is the one protocol for which the CONNECT of a browser stands.
const websocket = "websocket"

// Handler returns a handler that serves extended CONNECT by next, as HTTP/1.1
// upgrades, and all else by next as it comes. It is to stand outside of all
// that looks at the method, the protocol's version or the Connection header.
func Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		protocol, extended := r.Header[protocolHeader]
		switch {
		case !extended:
			next.ServeHTTP(w, r)
		case r.Method != http.MethodConnect || len(protocol) != 1 || r.ProtoMajor < 2:
			http.Error(w, ":protocol is for CONNECT alone (RFC 8441, section 4)", http.StatusBadRequest)
		case protocol[0] != websocket:
			http.Error(w, "this server speaks no other protocol than websocket here", http.StatusNotImplemented)
		case refused(r.Header):
			http.Error(w, "a WebSocket has no body, and its connection is not the client's to name", http.StatusBadRequest)
		default:
			serve(w, r, next)
		}
	})
}

// refused reports whether the header has what would give the request another
// meaning, or another end, in HTTP/1.1. Servers have refused most of that.
func refused(h http.Header) bool {
	for _, name := range [...]string{"Connection", "Upgrade", "Content-Length", "Transfer-Encoding", "Keep-Alive", "Proxy-Connection", "Te", "Trailer"} {
		if _, ok := h[name]; ok {
			return true
		}
	}
	return false
}

// serve has next answer the request as one of HTTP/1.1.
func serve(w http.ResponseWriter, r *http.Request, next http.Handler) {
	key := newKey()
	s := newStream(w, r, key)
	out := &writer{ResponseWriter: w, stream: s}
	next.ServeHTTP(out, asUpgrade(r, key))
	switch {
	case out.hijacked:
		s.wait(r.Context())
	case out.status == http.StatusSwitchingProtocols: // and nobody took it up
		panic(http.ErrAbortHandler)
	case out.status == 0:
		out.WriteHeader(http.StatusOK)
	}
}

// asUpgrade returns the request as it would have come over HTTP/1.1. The key
// is ours: a client of HTTP/2 has none (RFC 8441, section 5.1).
func asUpgrade(r *http.Request, key string) *http.Request {
	as := r.WithContext(r.Context())
	as.Method = http.MethodGet
	as.Proto, as.ProtoMajor, as.ProtoMinor = "HTTP/1.1", 1, 1
	as.Header = maps.Clone(r.Header)
	delete(as.Header, protocolHeader)
	delete(as.Header, "Sec-Websocket-Accept")
	as.Header["Connection"] = []string{"Upgrade"}
	as.Header["Upgrade"] = []string{websocket}
	as.Header["Sec-Websocket-Key"] = []string{key}
	as.Body, as.ContentLength, as.Trailer, as.TransferEncoding = http.NoBody, 0, nil, nil
	return as
}

func newKey() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.StdEncoding.EncodeToString(b[:])
}
