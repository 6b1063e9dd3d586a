package xconnect

import (
	"bufio"
	"errors"
	"net"
	"net/http"
)

// writer is the ResponseWriter of an extended CONNECT, as HTTP/1.1 has it: the
// connection can be hijacked.
type writer struct {
	http.ResponseWriter
	stream   *stream
	hijacked bool
	status   int // of the final head, or 101; 0 before it
}

var (
	_ http.Hijacker = (*writer)(nil)
	_ http.Flusher  = (*writer)(nil)
	// Libraries tell HTTP/1.1 and HTTP/2 apart by all three.
	_ http.CloseNotifier = (*writer)(nil) //nolint:staticcheck // said above
)

// Unwrap lets http.ResponseController reach the server's writer.
func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader writes the head of a plain answer, or keeps that of a 101 for
// Hijack, as net/http does.
func (w *writer) WriteHeader(status int) {
	switch {
	case w.hijacked || w.status != 0:
		return
	case status == http.StatusSwitchingProtocols:
		w.status = status
		return
	case status >= 200:
		w.status = status
		status = plain(w.Header(), status)
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write writes the body of a plain answer.
func (w *writer) Write(p []byte) (int, error) {
	if w.hijacked || w.status == http.StatusSwitchingProtocols {
		return 0, http.ErrHijacked
	}
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	return w.ResponseWriter.Write(p)
}

// Flush sends what is buffered, unless the connection is no longer ours.
func (w *writer) Flush() {
	if w.hijacked || w.status == http.StatusSwitchingProtocols {
		return
	}
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	// An error means that the client is gone, which the next write tells.
	_ = http.NewResponseController(w.ResponseWriter).Flush()
}

// CloseNotify tells of the end of the client's stream.
func (w *writer) CloseNotify() <-chan bool {
	return w.ResponseWriter.(http.CloseNotifier).CloseNotify() //nolint:staticcheck // said above
}

// Hijack takes the stream over as a connection. The first that is written on
// it is taken for the head of a response, unless WriteHeader(101) came before.
func (w *writer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if w.hijacked {
		return nil, nil, http.ErrHijacked
	}
	if w.status != 0 && w.status != http.StatusSwitchingProtocols {
		return nil, nil, errors.New("taking the connection over: the request has been answered")
	}
	w.hijacked = true
	if w.status == http.StatusSwitchingProtocols {
		if err := w.stream.open(w.Header()); err != nil {
			return nil, nil, err
		}
	}
	return w.stream, bufio.NewReadWriter(bufio.NewReader(w.stream), bufio.NewWriter(w.stream)), nil
}

// plain readies the header of an answer that is no 101, and returns its status
// in HTTP/2. A CONNECT that is answered by any 2xx has succeeded (RFC 9110,
// section 9.3.6), which a browser that asked for a WebSocket and got a page
// must not believe. Connections of callers who are unknown are not kept, as
// elsewhere (CVE-2023-44487).
func plain(h http.Header, status int) int {
	dropConnection(h)
	if status == http.StatusUnauthorized {
		h["Connection"] = []string{"close"} // the server makes a GOAWAY of it
	}
	if status < 300 {
		return http.StatusNotImplemented
	}
	return status
}

// dropConnection removes what belongs to a connection of HTTP/1.1.
func dropConnection(h http.Header) {
	for _, name := range [...]string{"Connection", "Upgrade", "Keep-Alive", "Proxy-Connection", "Transfer-Encoding", "Sec-Websocket-Accept"} {
		delete(h, name)
	}
}
