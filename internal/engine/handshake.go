package engine

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"slices"
	"time"
)

// handshake makes the TLS session of a connection, or closes it and returns
// nil.
func (e *Server) handshake(c net.Conn, config *tls.Config) *tls.Conn {
	if !e.enter(c) {
		_ = c.Close()
		return nil
	}
	defer e.leave(c)
	if t := e.http.ReadHeaderTimeout; t > 0 {
		_ = c.SetDeadline(time.Now().Add(t)) // an error is met again below
	}
	session := tls.Server(c, config)
	if err := session.Handshake(); err != nil {
		e.refuse(c, err)
		return nil
	}
	_ = c.SetDeadline(time.Time{}) // an error is met again by who reads
	return session
}

// refuse closes a connection with which there is no TLS session. One that is
// none of TLS gets an answer in the clear.
func (e *Server) refuse(c net.Conn, err error) {
	defer c.Close()
	var record tls.RecordHeaderError
	if errors.As(err, &record) && record.Conn != nil && looksLikeHTTP(record.RecordHeader) {
		_, _ = io.WriteString(record.Conn, "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n")
		err = errors.New("client sent an HTTP request to an HTTPS server")
	}
	e.logf("http: TLS handshake error from %s: %v", c.RemoteAddr(), err)
}

func looksLikeHTTP(begin [5]byte) bool {
	return slices.Contains([]string{"GET /", "HEAD ", "POST ", "PUT /", "OPTIO"}, string(begin[:]))
}

// enter takes note of a connection that is new.
func (e *Server) enter(c net.Conn) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.closed {
		e.young[c] = struct{}{}
	}
	return !e.closed
}

func (e *Server) leave(c net.Conn) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.young, c)
}
