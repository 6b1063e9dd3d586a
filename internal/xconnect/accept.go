package xconnect

import (
	"crypto/sha1" //nolint:gosec // RFC 6455 asks for it, and not for secrecy
	"encoding/base64"
	"errors"
	"io"
	"maps"
	"net/http"
	"strings"
)

// accept answers 200 with the header of a 101. The proof that whoever switched
// has understood the handshake is looked at here, since the browser no longer
// can: it keeps a page from speaking WebSocket to what is none. The lock is
// held.
func (s *stream) accept(h http.Header) error {
	if !strings.EqualFold(h.Get("Upgrade"), websocket) || h.Get("Sec-Websocket-Accept") != proof(s.key) {
		s.refuse(http.StatusBadGateway, nil, strings.NewReader("the backend's answer to the WebSocket's handshake is none\n"))
		return errors.New("opening a WebSocket: the answer does not prove that the handshake was understood")
	}
	h = maps.Clone(h)
	delete(h, "Content-Length")
	dropConnection(h)
	out := s.w.Header()
	clear(out)
	maps.Copy(out, h)
	s.w.WriteHeader(http.StatusOK)
	s.answered = true
	return s.control.Flush()
}

// relay passes on a response that is no 101.
func (s *stream) relay(resp *http.Response) {
	defer resp.Body.Close()
	s.refuse(resp.StatusCode, resp.Header, resp.Body)
}

// refuse answers that there will be no WebSocket. A body that breaks off has
// the stream broken off when the handler returns.
func (s *stream) refuse(status int, h http.Header, body io.Reader) {
	out := s.w.Header()
	clear(out)
	maps.Copy(out, h)
	s.w.WriteHeader(plain(out, status))
	_, err := io.Copy(s.w, body)
	s.answered = err == nil
}

// proof is Sec-WebSocket-Accept for a key (RFC 6455, section 4.2.2).
func proof(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) //nolint:gosec // said above
	return base64.StdEncoding.EncodeToString(sum[:])
}
