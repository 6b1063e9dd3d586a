package transport

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/http/httpguts"
)

// FuzzHead holds the parser of heads to net/http's where it accepts one: both
// must then see the same message.
func FuzzHead(f *testing.F) {
	for _, seed := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: b\r\n\r\n",
		"HTTP/1.1 204\r\nConnection: close, x\r\nKeep-Alive: timeout=5\r\n\r\n",
		"HTTP/1.0 404 Not Found\r\nset-cookie: a\r\nSet-Cookie: b\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum, Content-Length\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
		"HTTP/1.1 200 OK\r\nX: y\r\n folded\r\nA : b\r\n\r\n",
		"HTTP/1.1 200 OK\nX: y\n\n",
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
		"HTTP/1.1 200 \x80\xff\r\nX:\t \xe4 \r\n\r\n",
	} {
		f.Add([]byte(seed), false)
		f.Add([]byte(seed), true)
	}
	f.Fuzz(func(t *testing.T, b []byte, toHead bool) {
		end, next, err := headEnd(b, 0)
		if end == 0 || err != nil {
			if err == nil && next < len(b) && bytes.IndexByte(b[next:], '\n') >= 0 {
				t.Errorf("stopped at %d before a line's end", next)
			}
			return
		}
		method := "GET"
		if toHead {
			method = "HEAD"
		}
		h, err := parseHead(string(b[:end]), method, nil)
		if err != nil {
			return
		}
		theirs, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(b[:end])), &http.Request{Method: method})
		if err != nil && strings.Contains(err.Error(), "bad trailer key") {
			return // we leave such a name out
		}
		if err != nil {
			t.Fatalf("accepted what net/http does not: %q: %v", b[:end], err)
		}
		theirs.Body.Close()
		compareHeads(t, &h, theirs)
	})
}

// compareHeads compares what matters of a message.
func compareHeads(t *testing.T, h *head, theirs *http.Response) {
	t.Helper()
	ours := make(http.Header)
	addFields(ours, h.fields, "")
	if h.status != theirs.StatusCode {
		t.Errorf("status %d, net/http has %d", h.status, theirs.StatusCode)
	}
	// net/http reads these for itself.
	for _, name := range []string{"Content-Length", "Connection", "Keep-Alive", "Trailer", "Pragma", "Cache-Control"} {
		delete(ours, name)
		theirs.Header.Del(name)
	}
	if diff := cmp.Diff(theirs.Header, ours); diff != "" {
		t.Errorf("fields, -net/http +ours:\n%s", diff)
	}
	if theirs.Close && !h.closing {
		t.Error("net/http would close the connection")
	}
	if theirs.ContentLength > 0 && h.body == bodyLength && theirs.ContentLength != h.length {
		t.Errorf("length %d, net/http has %d", h.length, theirs.ContentLength)
	}
	if chunked := len(theirs.TransferEncoding) > 0; chunked && theirs.Request.Method != http.MethodHead && h.body != bodyChunked && h.body != bodyNone {
		t.Error("net/http takes it for chunked")
	}
}

// FuzzChunked decodes a body in the chunked coding, as it comes in pieces. What
// is accepted must be accepted by net/http too, as the same bytes.
func FuzzChunked(f *testing.F) {
	for _, seed := range []string{
		"5\r\nhello\r\n0\r\n\r\n", "5;x=y\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n", "a\r\n0123456789\r\n000\r\nX: y\r\nZ: \r\n\r\nrest",
		"5\nhello\n0\n\n", "5\r\nhelloo\r\n0\r\n\r\n", "-1\r\n\r\n", "fffffffffffffff\r\nx", "0\r\nX : y\r\n\r\n", "5  \r\nhello\r\n0\r\n\r\n",
	} {
		f.Add([]byte(seed), uint8(1))
		f.Add([]byte(seed), uint8(64))
	}
	f.Fuzz(func(t *testing.T, b []byte, piece uint8) {
		p := &pool{t: New(Config{})}
		c := &wire{pool: p, net: &pieces{in: b, n: int(piece%64) + 1}, s: newScratch()}
		c.buf = c.s.buf
		p.all = append(p.all, c)
		c.mine.busy = true
		r := &Response{c: c, kind: bodyChunked, closing: true}
		got, err := io.ReadAll(r)
		if err != nil {
			return
		}
		want, err := io.ReadAll(httputil.NewChunkedReader(bytes.NewReader(b)))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%q: got %q, net/http has %q, %v", b, got, want, err)
		}
		for name, values := range r.Trailer {
			if !httpguts.ValidHeaderFieldName(name) || !mayTrail(name) || strings.ContainsAny(strings.Join(values, ""), "\r\n\x00") {
				t.Errorf("trailer %q: %q", name, values)
			}
		}
	})
}

// pieces is a connection that gives a few bytes at a time.
type pieces struct {
	net.Conn
	in []byte
	n  int
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.in) == 0 {
		return 0, io.EOF
	}
	n := copy(b, p.in[:min(p.n, len(p.in))])
	p.in = p.in[n:]
	return n, nil
}

func (p *pieces) Close() error { return nil }

// FuzzRequestHead writes a head and has net/http read it: nothing may be added
// to what was meant.
func FuzzRequestHead(f *testing.F) {
	f.Add("GET", "/", "a=b", "host", "X-A", "b", int64(0))
	f.Add("POST", "//a%2F", "", "host:80", "Content-Length", "9", int64(5))
	f.Add("PUT", "/ HTTP/1.1\r\n", "\n", "h\r\nX: y", "X\r\nY", "a\r\n\r\nGET / HTTP/1.1", int64(-1))
	f.Fuzz(func(t *testing.T, method, path, query, host, name, value string, length int64) {
		r := &Request{Method: method, Path: "/" + path, Query: query, Host: host, Header: http.Header{name: {value}}, Length: max(length, -1)}
		b, err := r.appendHead(nil)
		if err != nil {
			return
		}
		if _, last, _ := bytes.Cut(b, []byte("\r\n\r\n")); len(last) > 0 {
			t.Fatalf("the head ends within %q", b)
		}
		got, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(b)))
		if err != nil {
			return // refused is safe
		}
		target := r.Path
		if query != "" {
			target += "?" + query
		}
		if got.Method != method || got.RequestURI != target || got.ContentLength != r.Length {
			t.Errorf("%q was read as %s %s of length %d", b, got.Method, got.RequestURI, got.ContentLength)
		}
		if len(got.Header) > 2 {
			t.Errorf("%q was read with %v", b, got.Header)
		}
	})
}
