package transport_test

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/causeway-access/causeway/internal/route"
	"github.com/causeway-access/causeway/internal/transport"
)

// canned answers every request on its connections with the same bytes, and
// allocates nothing for that.
func canned(b *testing.B, answer string) netip.AddrPort {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				buf, out := make([]byte, 16<<10), []byte(answer)
				for {
					n, err := c.Read(buf) // a head comes in one piece here
					if err != nil || !bytes.HasSuffix(buf[:n], []byte("\r\n\r\n")) {
						return
					}
					if _, err := c.Write(out); err != nil {
						return
					}
				}
			}()
		}
	}()
	return netip.MustParseAddrPort(l.Addr().String())
}

const kibibyte = ok + "Server: nginx\r\nDate: Sat, 21 Nov 2026 06:00:00 GMT\r\nContent-Type: application/octet-stream\r\nContent-Length: 1024\r\n" +
	"Last-Modified: Sat, 21 Nov 2026 05:00:00 GMT\r\nConnection: keep-alive\r\nETag: \"5f0c-400\"\r\nAccept-Ranges: bytes\r\n\r\n"

// BenchmarkRoundTrip measures an exchange of 1 KiB on a kept connection, and
// the same by net/http's client. The backend's part is in both.
func BenchmarkRoundTrip(b *testing.B) {
	addr := canned(b, kibibyte+strings.Repeat("x", 1024))
	header := http.Header{
		"Accept": {"*/*"}, "User-Agent": {"bench"}, "X-Forwarded-For": {"10.0.0.1"}, "X-Forwarded-Host": {"gateway"},
		"X-Forwarded-Proto": {"https"}, "X-Forwarded-Uri": {"/api/v1/namespaces/default/services/web/proxy/"},
	}
	b.Run("ours", func(b *testing.B) {
		tr := transport.New(transport.Config{Guard: loopback})
		b.Cleanup(tr.Close)
		h := transport.Hop{Endpoint: route.Endpoint{Addr: addr}, Scheme: route.SchemeHTTP}
		r := &transport.Request{Method: "GET", Path: "/1k", Host: "gateway", Header: header, Repeatable: true}
		into := make(http.Header)
		var resp transport.Response
		var out discard
		b.ReportAllocs()
		for b.Loop() {
			if err := tr.RoundTrip(b.Context(), h, r, &resp); err != nil {
				b.Fatal(err)
			}
			clear(into)
			resp.CopyHeader(into, "")
			read, write := resp.CopyTo(&out, false)
			if resp.Close(); read != nil || write != nil {
				b.Fatal(read, write)
			}
		}
	})
	b.Run("net-http", func(b *testing.B) {
		tr := &http.Transport{MaxIdleConnsPerHost: 256, DisableCompression: true, WriteBufferSize: 16 << 10, ReadBufferSize: 16 << 10}
		b.Cleanup(tr.CloseIdleConnections)
		into := make(http.Header)
		buf := make([]byte, 64<<10)
		b.ReportAllocs()
		for b.Loop() {
			r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, "http://"+addr.String()+"/1k", nil)
			if err != nil {
				b.Fatal(err)
			}
			r.Header = header
			resp, err := tr.RoundTrip(r)
			if err != nil {
				b.Fatal(err)
			}
			clear(into)
			for name, values := range resp.Header {
				into[name] = values
			}
			if _, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{resp.Body}, buf); err != nil {
				b.Fatal(err)
			}
			resp.Body.Close()
		}
	})
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) Flush()                      {}
