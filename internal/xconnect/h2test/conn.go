// Package h2test is a client of HTTP/2 for tests, which sends what it is told
// to: header fields that no library would send, extended CONNECT (RFC 8441),
// frames in any order. It keeps to flow control and to nothing else. Floor F0.
package h2test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"sync"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// window is how much the client lets the server send on a stream beforehand.
const window = 65535

// Conn is one connection. Its streams may be used by several goroutines.
type Conn struct {
	conn net.Conn

	mu      sync.Mutex
	change  *sync.Cond // of anything below
	framer  *http2.Framer
	block   bytes.Buffer // of hpack
	hpack   *hpack.Encoder
	next    uint32
	streams map[uint32]*Stream
	send    int64 // what the server lets us send on the connection
	initial int64 // and on a new stream
	extends bool
	settled bool
	goaway  bool
	err     error
	done    chan struct{}
}

// Dial speaks HTTP/2 on a connection, on which a TLS session may stand
// already, and returns when the server's settings have come.
func Dial(c net.Conn) (*Conn, error) {
	h := &Conn{conn: c, framer: http2.NewFramer(c, c), next: 1, streams: map[uint32]*Stream{}, send: window, initial: window, done: make(chan struct{})}
	h.change = sync.NewCond(&h.mu)
	h.hpack = hpack.NewEncoder(&h.block)
	h.framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	if _, err := io.WriteString(c, http2.ClientPreface); err != nil {
		return nil, fmt.Errorf("greeting the server: %w", err)
	}
	if err := h.framer.WriteSettings(); err != nil {
		return nil, fmt.Errorf("greeting the server: %w", err)
	}
	go h.read()
	h.mu.Lock()
	defer h.mu.Unlock()
	for !h.settled && h.err == nil {
		h.change.Wait()
	}
	return h, h.err
}

// Close closes the connection and waits for its reader.
func (h *Conn) Close() error {
	err := h.conn.Close()
	<-h.done
	return err
}

// ExtendedConnect reports whether the server allows it
// (SETTINGS_ENABLE_CONNECT_PROTOCOL, RFC 8441 section 3).
func (h *Conn) ExtendedConnect() bool { return h.extends }

// GoneAway reports whether the server has said that it takes no more streams.
func (h *Conn) GoneAway() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.goaway
}

// Open opens a stream with these header fields, names and values in turn,
// pseudo-header fields included, and ends it at once if end is set.
func (h *Conn) Open(end bool, fields ...string) (*Stream, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.block.Reset()
	for i := 0; i < len(fields); i += 2 {
		if err := h.hpack.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]}); err != nil {
			return nil, fmt.Errorf("encoding %s: %w", fields[i], err)
		}
	}
	s := &Stream{conn: h, id: h.next, send: h.initial}
	h.next += 2
	h.streams[s.id] = s
	err := h.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: s.id, BlockFragment: h.block.Bytes(), EndHeaders: true, EndStream: end})
	if err != nil {
		return nil, fmt.Errorf("opening a stream: %w", err)
	}
	return s, nil
}

// read gives out what comes until the connection ends.
func (h *Conn) read() {
	defer close(h.done)
	for {
		f, err := h.framer.ReadFrame()
		h.mu.Lock()
		if err == nil {
			err = h.take(f)
		}
		if _, ofStream := err.(http2.StreamError); err != nil && !ofStream { //nolint:errorlint // the framer does not wrap it
			h.err = err
			h.change.Broadcast()
			h.mu.Unlock()
			return
		}
		h.change.Broadcast()
		h.mu.Unlock()
	}
}

// take takes a frame in. The lock is held.
func (h *Conn) take(f http2.Frame) error {
	s := h.streams[f.Header().StreamID]
	switch f := f.(type) {
	case *http2.SettingsFrame:
		return h.settings(f)
	case *http2.PingFrame:
		if !f.IsAck() {
			return h.framer.WritePing(true, f.Data)
		}
	case *http2.GoAwayFrame:
		h.goaway = true
	case *http2.WindowUpdateFrame:
		if s != nil {
			s.send += int64(f.Increment)
		} else if f.StreamID == 0 {
			h.send += int64(f.Increment)
		}
	case *http2.MetaHeadersFrame:
		if s != nil {
			s.headers(f)
		}
	case *http2.DataFrame:
		if s != nil {
			s.in.Write(f.Data())
			s.ended = s.ended || f.StreamEnded()
		}
	case *http2.RSTStreamFrame:
		if s != nil {
			s.reset = &f.ErrCode
		}
	}
	return nil
}

func (h *Conn) settings(f *http2.SettingsFrame) error {
	if f.IsAck() {
		return nil
	}
	if v, ok := f.Value(http2.SettingInitialWindowSize); ok {
		for _, s := range h.streams {
			s.send += int64(v) - h.initial
		}
		h.initial = int64(v)
	}
	v, _ := f.Value(http2.SettingEnableConnectProtocol)
	h.extends = v == 1
	h.settled = true
	return h.framer.WriteSettingsAck()
}
