package h1

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// heads are seeds of the head parser: what is plain, and what is not.
var heads = []string{
	"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
	"GET /a/b?c=d HTTP/1.1\r\nHost: example.com:8080\r\nAccept: */*\r\nUser-Agent: curl/8\r\n\r\n",
	"POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-type: text/plain; charset=utf-8\r\n\r\n",
	"GET /a%2Fb/%20/?q=%zz&x HTTP/1.1\r\nHost: [::1]:80\r\nConnection: close\r\n\r\n",
	"GET //a//b/../c;d=e,f=g@h!('*') HTTP/1.1\r\nHost: x\r\nConnection: Keep-Alive\r\n\r\n",
	"GET /? HTTP/1.1\r\nHost: x\r\nPragma: no-cache\r\n\r\n",
	"GET /?? HTTP/1.1\r\nHost: x\r\nPragma: no-cache\r\nCache-Control: max-age=0\r\n\r\n",
	"GET /a?b#c HTTP/1.1\r\nHost: x\r\n\r\n",
	"GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: x\r\nX-A: 1\r\nx-a: 2\r\nX-a:\t3 \t\r\nEmpty:\r\n\r\n",
	"GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", "CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n",
	"GET / HTTP/1.0\r\n\r\n", "PRI * HTTP/2.0\r\n\r\n", "get / HTTP/1.1\r\nHost: x\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", "GET / HTTP/1.1\r\nHost: x y\r\n\r\n", "GET / HTTP/1.1\r\nHost:\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1, 1\r\n\r\n", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: x\r\nTE: trailers\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\nConnection: close, X-A\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nConnection: close\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: x\r\nX-A: 1\r\n folded\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\nX-A : 1\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\n: 1\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: x\r\nX-A\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\nX-A: \x00\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\nX-A: caf\xc3\xa9\r\n\r\n",
	"GET / HTTP/1.1\nHost: x\n\n", "GET / HTTP/1.1\r\nHost: x\n\r\n", "\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", "GET  / HTTP/1.1\r\nHost: x\r\n\r\n",
	"GET / HTTP/1.1 \r\nHost: x\r\n\r\n", "GET / a HTTP/1.1\r\nHost: x\r\n\r\n", "GET /\r HTTP/1.1\r\nHost: x\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\nX: a\rb\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: x\r\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: x\r\nHTTP2-Settings: AAMAAABk\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\nTrailer: X-A\r\n\r\n",
	"HEAD /a HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nIf-None-Match: \"x\"\r\nCookie: a=b; c=d\r\nAuthorization: Bearer abc.def-ghi_jkl\r\n\r\n",
}

// TestPlainHeads names what is plain: all that ordinary clients send.
func TestPlainHeads(t *testing.T) {
	var plainly []int
	for i, head := range heads {
		if parsed(head) != nil {
			plainly = append(plainly, i)
		}
	}
	if diff := cmp.Diff([]int{0, 1, 2, 3, 4, 5, 6, 9, len(heads) - 1}, plainly); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// parsed returns the request of a head, or nil if it is not plain.
func parsed(head string) *http.Request {
	end, _, ok := headEnd([]byte(head), 0)
	if !ok || end != len(head) {
		return nil
	}
	server, client := net.Pipe()
	defer server.Close()
	defer client.Close()
	c := newConn(&Server{}, context.Background(), server, nil)
	x := c.newExchange()
	if !x.parse(head) {
		return nil
	}
	x.ready(c)
	return &x.request
}

// FuzzHead holds the parser to what it promises: what it accepts, net/http
// accepts as the same request, with nothing left over of the head.
func FuzzHead(f *testing.F) {
	for _, head := range heads {
		f.Add(head)
	}
	f.Fuzz(func(t *testing.T, head string) {
		got := parsed(head)
		if got == nil {
			return
		}
		in := bufio.NewReader(strings.NewReader(head))
		want, err := http.ReadRequest(in)
		if err != nil {
			t.Fatalf("net/http refuses %q: %v", head, err)
		}
		if n := in.Buffered(); n > 0 && want.ContentLength == 0 {
			t.Errorf("net/http leaves %d bytes of %q", n, head)
		}
		if want.TransferEncoding != nil || want.Trailer != nil {
			t.Errorf("net/http finds %v and %v in %q", want.TransferEncoding, want.Trailer, head)
		}
		type parts struct {
			Method, Target, Proto, Host string
			Major, Minor                int
			URL                         any
			Header                      http.Header
			Length                      int64
			Close, Empty                bool
		}
		of := func(r *http.Request) parts {
			u := *r.URL
			return parts{r.Method, r.RequestURI, r.Proto, r.Host, r.ProtoMajor, r.ProtoMinor, u, r.Header, r.ContentLength, r.Close, r.Body == http.NoBody}
		}
		if diff := cmp.Diff(of(want), of(got)); diff != "" {
			t.Errorf("%q is read otherwise (-net/http +h1):\n%s", head, diff)
		}
	})
}
