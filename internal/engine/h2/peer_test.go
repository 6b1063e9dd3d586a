package h2_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/causeway-access/causeway/internal/engine/h2"
)

// peer is a client that sends whatever frames it is told to.
type peer struct {
	t     testing.TB
	c     net.Conn
	fr    *http2.Framer
	enc   *hpack.Encoder
	block bytes.Buffer
	over  chan struct{}  // closed when the server's end has returned
	given map[uint32]int // by WINDOW_UPDATE
}

// connect has a server serve a connection, and greets it.
func connect(t testing.TB, cfg h2.Config) *peer {
	t.Helper()
	p := call(t, h2.New(cfg))
	p.greet()
	return p
}

// call has a server serve a connection over loopback.
func call(t testing.TB, s *h2.Server) *peer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	must(t, err)
	other, err := l.Accept()
	must(t, err)
	return attach(t, s, c, other)
}

func attach(t testing.TB, s *h2.Server, c, other net.Conn) *peer {
	p := &peer{t: t, c: c, fr: http2.NewFramer(c, c), over: make(chan struct{}), given: map[uint32]int{}}
	p.fr.AllowIllegalWrites = true
	p.fr.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	p.enc = hpack.NewEncoder(&p.block)
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	go func() {
		defer close(p.over)
		s.ServeConn(t.Context(), other, nil)
	}()
	t.Cleanup(func() { c.Close(); <-p.over })
	return p
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// greet sends the preface and reads the server's.
func (p *peer) greet(settings ...http2.Setting) {
	p.t.Helper()
	p.raw(http2.ClientPreface)
	must(p.t, p.fr.WriteSettings(settings...))
	for {
		f := p.next()
		if s, ok := f.(*http2.SettingsFrame); ok && s.IsAck() {
			return
		}
	}
}

func (p *peer) raw(s string) { _, _ = io.WriteString(p.c, s) }

// next reads a frame, and answers no PING and no SETTINGS.
func (p *peer) next() http2.Frame {
	p.t.Helper()
	f, err := p.read()
	must(p.t, err)
	return f
}

// read reads a frame, and counts what windows are widened by.
func (p *peer) read() (http2.Frame, error) {
	f, err := p.fr.ReadFrame()
	if u, ok := f.(*http2.WindowUpdateFrame); ok && err == nil {
		p.given[u.StreamID] += int(u.Increment)
	}
	return f, err
}

// encode encodes names and values.
func (p *peer) encode(fields ...string) []byte {
	p.block.Reset()
	for i := 0; i < len(fields); i += 2 {
		_ = p.enc.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]})
	}
	return p.block.Bytes()
}

// head is that of a plain request, with more fields. A pseudo field takes the
// place of the usual; one without a value is left out.
func head(more ...string) []string {
	pseudo := [][2]string{{":method", "GET"}, {":scheme", "https"}, {":authority", "h.example"}, {":path", "/"}}
	var fields, rest []string
	for i := 0; i < len(more); i += 2 {
		known := false
		for j := range pseudo {
			if pseudo[j][0] == more[i] {
				pseudo[j][1], known = more[i+1], true
			}
		}
		if !known {
			rest = append(rest, more[i], more[i+1])
		}
	}
	for _, f := range pseudo {
		if f[1] != "" {
			fields = append(fields, f[0], f[1])
		}
	}
	return append(fields, rest...)
}

// open sends a head.
func (p *peer) open(id uint32, end bool, fields ...string) {
	_ = p.fr.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: p.encode(fields...), EndHeaders: true, EndStream: end})
}

// answer is what a server has said on a stream.
type answer struct {
	Heads   []string // of each HEADERS, without date
	Body    string
	Ended   bool
	Reset   string // the code
	GoAway  string // the code, which ended the connection
	Dropped bool   // without a word
}

// answer reads until the stream or the connection is over.
func (p *peer) answer(id uint32) answer {
	p.t.Helper()
	var a answer
	for !a.Ended && a.Reset == "" {
		f, err := p.read()
		if fault := (http2.StreamError{}); errors.As(err, &fault) {
			p.t.Fatalf("the server has sent what is none: %v", err)
		}
		if err != nil {
			a.Dropped = a.GoAway == ""
			return a
		}
		a.add(f, id)
	}
	return a
}

func (a *answer) add(f http2.Frame, id uint32) {
	if f, ok := f.(*http2.GoAwayFrame); ok {
		a.GoAway = f.ErrCode.String()
	}
	if f.Header().StreamID != id {
		return
	}
	switch f := f.(type) {
	case *http2.MetaHeadersFrame:
		var lines []string
		for _, field := range f.Fields {
			if field.Name != "date" {
				lines = append(lines, field.Name+"="+field.Value)
			}
		}
		a.Heads = append(a.Heads, strings.Join(lines, " "))
		a.Ended = f.StreamEnded()
	case *http2.DataFrame:
		a.Body += string(f.Data())
		a.Ended = f.StreamEnded()
	case *http2.RSTStreamFrame:
		a.Reset = f.ErrCode.String()
	}
}

func (a answer) status() string {
	if len(a.Heads) == 0 {
		return ""
	}
	return strings.TrimPrefix(strings.Fields(a.Heads[len(a.Heads)-1])[0], ":status=")
}

// echo answers with the request's body.
func echo(w http.ResponseWriter, r *http.Request) {
	if _, err := io.Copy(w, r.Body); err != nil {
		panic(http.ErrAbortHandler)
	}
	for name, values := range r.Trailer {
		fmt.Fprintf(w, " %s=%v", name, values)
	}
}
