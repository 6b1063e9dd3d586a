package transport_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-access/causeway/internal/transport"
)

const ok = "HTTP/1.1 200 OK\r\n"

// What a backend writes, to the byte, and what becomes of it. The backend keeps
// the connection open unless hangUp is set; kept says whether another request
// may go on it.
func TestResponsesByTheByte(t *testing.T) {
	tests := []struct {
		name, answer string
		method       string
		hangUp       bool
		want         string // status and body, or the kind of the error
		broken       bool
		kept         bool
	}{
		{name: "by length", answer: ok + "Content-Length: 5\r\n\r\nhello", want: "200 hello", kept: true},
		{name: "empty", answer: ok + "Content-Length: 0\r\n\r\n", want: "200 ", kept: true},
		{name: "without a reason", answer: "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", want: "200 ok", kept: true},
		{name: "of HTTP/1.0", answer: "HTTP/1.0 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nok", want: "200 ok"},
		{name: "that closes", answer: ok + "Content-Length: 2\r\nConnection: x, Close\r\n\r\nok", want: "200 ok"},
		{name: "that keeps for no time", answer: ok + "Content-Length: 2\r\nKeep-Alive: max=3, timeout=0\r\n\r\nok", want: "200 ok"},
		{name: "the same length twice", answer: ok + "Content-Length: 2\r\nContent-Length: 2\r\n\r\nok", want: "200 ok", kept: true},
		{name: "until the end", answer: ok + "\r\nuntil the end", hangUp: true, want: "200 until the end"},
		{name: "no content", answer: "HTTP/1.1 204 No Content\r\n\r\n", want: "204 ", kept: true},
		{name: "no content, with a length", answer: "HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok", want: "204 "},
		{name: "not modified, with the length of what is", answer: "HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\n\r\n", want: "304 ", kept: true},
		{name: "to HEAD", answer: ok + "Content-Length: 1000\r\n\r\n", method: "HEAD", want: "200 ", kept: true},
		{name: "to HEAD, chunked", answer: ok + "Transfer-Encoding: chunked\r\n\r\n", method: "HEAD", want: "200 ", kept: true},
		{name: "chunked", answer: ok + "Transfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n00C;x=\"y\"\r\n and be glad\r\n0\r\n\r\n", want: "200 hello and be glad", kept: true},
		{name: "chunked, padded", answer: ok + "Transfer-Encoding: chunked\r\n\r\n2  \r\nok\r\n0\r\n\r\n", want: "200 ok", kept: true},
		{name: "a byte too many", answer: ok + "Content-Length: 2\r\n\r\nok!", want: "200 ok"},
		{name: "another response behind it", answer: ok + "Content-Length: 2\r\n\r\nok" + ok + "Content-Length: 6\r\n\r\npoison", want: "200 ok"},
		{name: "a chunked one, and another behind it", answer: ok + "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n" + ok + "Content-Length: 6\r\n\r\npoison", want: "200 ok"},

		{name: "shorter than its length", answer: ok + "Content-Length: 10\r\n\r\nhello", hangUp: true, want: "200 hello", broken: true},
		{name: "chunked, without its end", answer: ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", hangUp: true, want: "200 hello", broken: true},
		{name: "chunked, within a chunk", answer: ok + "Transfer-Encoding: chunked\r\n\r\n6\r\nhello", hangUp: true, want: "200 hello", broken: true},
		{name: "chunked, within the trailer", answer: ok + "Transfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n", hangUp: true, want: "200 ", broken: true},
		{name: "a chunk longer than it says", answer: ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello, you\r\n0\r\n\r\n", want: "200 hello", broken: true},
		{name: "a chunk without its CRLF", answer: ok + "Transfer-Encoding: chunked\r\n\r\n2\r\nok0\r\n\r\n", want: "200 ok", broken: true},
		{name: "a chunk's size by bare LF", answer: ok + "Transfer-Encoding: chunked\r\n\r\n2\nok\r\n0\r\n\r\n", want: "200 ", broken: true},
		{name: "a chunk's size with a sign", answer: ok + "Transfer-Encoding: chunked\r\n\r\n+2\r\nok\r\n0\r\n\r\n", want: "200 ", broken: true},
		{name: "a chunk's size with 0x", answer: ok + "Transfer-Encoding: chunked\r\n\r\n0x2\r\nok\r\n0\r\n\r\n", want: "200 ", broken: true},
		{name: "a chunk's size missing", answer: ok + "Transfer-Encoding: chunked\r\n\r\n;x\r\nok\r\n0\r\n\r\n", want: "200 ", broken: true},
		{name: "a chunk's size beyond all numbers", answer: ok + "Transfer-Encoding: chunked\r\n\r\n10000000000000002\r\nok\r\n0\r\n\r\n", want: "200 ", broken: true},
		{name: "endless extensions", answer: ok + "Transfer-Encoding: chunked\r\n\r\n2;" + strings.Repeat("x", 5000) + "\r\nok\r\n0\r\n\r\n", want: "200 ", broken: true},
		{name: "an endless trailer", answer: ok + "Transfer-Encoding: chunked\r\n\r\n0\r\n" + strings.Repeat("X: y\r\n", 20000) + "\r\n", want: "200 ", broken: true},
		{name: "a malformed trailer", answer: ok + "Transfer-Encoding: chunked\r\n\r\n0\r\nX : y\r\n\r\n", want: "200 ", broken: true},

		{name: "no answer", hangUp: true, want: "lost reused=false unsent=false frozen=false"},
		{name: "garbage", answer: "nonsense\r\n\r\n", want: "bad"},
		{name: "another protocol", answer: "SSH-2.0-OpenSSH_9.2\r\n", hangUp: true, want: "bad"},
		{name: "HTTP/2", answer: "HTTP/2 200 OK\r\nContent-Length: 0\r\n\r\n", want: "bad"},
		{name: "HTTP/1.2", answer: "HTTP/1.2 200 OK\r\nContent-Length: 0\r\n\r\n", want: "bad"},
		{name: "a status of two digits", answer: "HTTP/1.1 20 OK\r\n\r\n", want: "bad"},
		{name: "a status of four digits", answer: "HTTP/1.1 2000 OK\r\n\r\n", want: "bad"},
		{name: "a status below 100", answer: "HTTP/1.1 099 OK\r\n\r\n", want: "bad"},
		{name: "a status with a sign", answer: "HTTP/1.1 +20 OK\r\n\r\n", want: "bad"},
		{name: "half a head", answer: ok + "Content-Le", hangUp: true, want: "bad"},
		{name: "lines that end in LF", answer: "HTTP/1.1 200 OK\nContent-Length: 2\n\nok", want: "bad"},
		{name: "one line that ends in LF", answer: ok + "X: y\nContent-Length: 2\r\n\r\nok", want: "bad"},
		{name: "a bare CR", answer: ok + "X: y\rZ: z\r\nContent-Length: 2\r\n\r\nok", want: "bad"},
		{name: "a null byte", answer: ok + "X: y\x00\r\nContent-Length: 2\r\n\r\nok", want: "bad"},
		{name: "a folded line", answer: ok + "X: y\r\n z\r\nContent-Length: 2\r\n\r\nok", want: "bad"},
		{name: "a first line that is folded", answer: ok + " X: y\r\nContent-Length: 2\r\n\r\nok", want: "bad"},
		{name: "a space before the colon", answer: ok + "Content-Length : 2\r\n\r\nok", want: "bad"},
		{name: "a line without a colon", answer: ok + "Content-Length\r\n\r\nok", want: "bad"},
		{name: "a field without a name", answer: ok + ": 2\r\n\r\nok", want: "bad"},
		{name: "two lengths", answer: ok + "Content-Length: 2\r\nContent-Length: 3\r\n\r\nok!", want: "bad"},
		{name: "two lengths in one", answer: ok + "Content-Length: 2, 2\r\n\r\nok", want: "bad"},
		{name: "a negative length", answer: ok + "Content-Length: -2\r\n\r\nok", want: "bad"},
		{name: "a length with a sign", answer: ok + "Content-Length: +2\r\n\r\nok", want: "bad"},
		{name: "an empty length", answer: ok + "Content-Length:\r\n\r\nok", want: "bad"},
		{name: "a length beyond all numbers", answer: ok + "Content-Length: 99999999999999999999\r\n\r\nok", want: "bad"},
		{name: "length and coding", answer: ok + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", want: "bad"},
		{name: "an unknown coding", answer: ok + "Transfer-Encoding: gzip, chunked\r\n\r\n", want: "bad"},
		{name: "chunked twice", answer: ok + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", want: "bad"},
		{name: "chunked in HTTP/1.0", answer: "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", want: "bad"},
		{name: "protocols switched, unasked", answer: "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n", want: "bad"},
		{name: "endless fields", answer: ok + strings.Repeat("X: y\r\n", 2000) + "\r\n", want: "bad"},
		{name: "an endless field", answer: ok + "X: " + strings.Repeat("y", 1<<20) + "\r\n\r\n", want: "bad"},
		{name: "endless early hints", answer: strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: </"+strings.Repeat("a", 1000)+">\r\n\r\n", 1000), want: "bad"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := raw(t, false, func(v *visit) {
				for n := 0; ; n++ {
					r := v.request()
					if r == nil {
						return
					}
					if r.URL.Path == "/which" {
						v.say(fmt.Sprintf("%sContent-Length: 1\r\n\r\n%d", ok, v.n))
						continue
					}
					if v.say(tt.answer); tt.hangUp {
						return
					}
				}
			})
			tr := newTransport(t)
			within(t, "the exchange", func() {
				got := do(t.Context(), tr, h, &transport.Request{Method: tt.method})
				text := kind(got.err)
				if got.err == nil {
					text = fmt.Sprint(got.status, " ", got.body)
				}
				if text != tt.want || (got.broken != nil) != tt.broken {
					t.Errorf("got %q, broken off by %v; want %q", text, got.broken, tt.want)
				}
				if tt.hangUp && tt.broken && !errors.Is(got.broken, io.ErrUnexpectedEOF) {
					t.Errorf("broken off by %v", got.broken)
				}
				which := do(t.Context(), tr, h, &transport.Request{Path: "/which"})
				if kept := which.body == "0"; which.err != nil || kept != tt.kept {
					t.Errorf("the connection was kept: %t, want %t (%v)", kept, tt.kept, which.err)
				}
			})
		})
	}
}

func TestHeaderAndTrailerPass(t *testing.T) {
	h := says(t, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 203 X\r\nx-a: 1\r\nSet-Cookie: a\r\nset-cookie:\t b \r\nTrailer: X-Sum, Content-Length\r\nTransfer-Encoding: chunked\r\nX-Empty:\r\n\r\n"+
		"1\r\n.\r\n0\r\nx-sum: 1\r\nX-Late: 2\r\nContent-Length: 3\r\nSet-Cookie: c\r\n\r\n", false)
	got := do(t.Context(), newTransport(t), h, &transport.Request{})
	if got.err != nil || got.broken != nil || got.status != 203 || got.body != "." {
		t.Fatalf("got %+v", got)
	}
	if diff := cmp.Diff(http.Header{"X-A": {"1"}, "Set-Cookie": {"a", "b"}, "X-Empty": {""}}, got.header); diff != "" {
		t.Errorf("header, -want +got:\n%s", diff)
	}
	if diff := cmp.Diff(http.Header{"X-Sum": {"1"}, "X-Late": {"2"}}, got.trailer); diff != "" {
		t.Errorf("trailer, -want +got:\n%s", diff)
	}
	if diff := cmp.Diff([]string{"103 </a>", "100"}, got.early); diff != "" {
		t.Errorf("early, -want +got:\n%s", diff)
	}
}

// CopyHeader takes the place of what was there, whatever its values, but for
// the one that is ours.
func TestHeaderReplacesWhatWasThere(t *testing.T) {
	h := says(t, ok+"Content-Length: 0\r\nServer: a\r\nServer: b\r\nAudit-Id: forged\r\n\r\n", false)
	var resp transport.Response
	if err := newTransport(t).RoundTrip(t.Context(), h, &transport.Request{Method: "GET", Path: "/"}, &resp); err != nil {
		t.Fatal(err)
	}
	defer resp.Close()
	header := http.Header{"Server": {"ours"}, "Other": {"stays"}, "Audit-Id": {"1"}}
	resp.CopyHeader(header, "Audit-Id")
	if diff := cmp.Diff(http.Header{"Audit-Id": {"1"}, "Server": {"a", "b"}, "Other": {"stays"}, "Content-Length": {"0"}}, header); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// A large body comes whole by either way, and pieces are passed on when they
// have come.
func TestLargeBody(t *testing.T) {
	large := strings.Repeat("0123456789abcdef", 1<<16)
	for name, answer := range map[string]string{
		"by length":     fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", ok, len(large), large),
		"chunked":       fmt.Sprintf("%sTransfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n%x\r\n%s\r\n0\r\n\r\n", ok, len(large)-5, large[5:]),
		"until the end": ok + "\r\n" + large,
	} {
		h := says(t, answer, name == "until the end")
		tr := newTransport(t)
		if got := do(t.Context(), tr, h, &transport.Request{}); got.body != large || got.err != nil || got.broken != nil {
			t.Errorf("%s, read: got %d bytes, %v, %v", name, len(got.body), got.err, got.broken)
		}
		var resp transport.Response
		if err := tr.RoundTrip(t.Context(), h, &transport.Request{Method: "GET", Path: "/"}, &resp); err != nil {
			t.Fatal(err)
		}
		var out sink
		read, write := resp.CopyTo(&out, true)
		resp.Close()
		if out.String() != large || read != nil || write != nil || out.flushed == 0 {
			t.Errorf("%s, copied: got %d bytes, flushed %d times, %v, %v", name, out.Len(), out.flushed, read, write)
		}
	}
}

type sink struct {
	strings.Builder
	flushed int
	full    error
}

func (s *sink) Flush() { s.flushed++ }

func (s *sink) Write(p []byte) (int, error) {
	if s.full != nil {
		return 0, s.full
	}
	return s.Builder.Write(p)
}

// The side that has failed is told.
func TestCopyToANarrowSink(t *testing.T) {
	h := says(t, ok+"Content-Length: 2\r\n\r\nok", false)
	var resp transport.Response
	if err := newTransport(t).RoundTrip(t.Context(), h, &transport.Request{Method: "GET", Path: "/"}, &resp); err != nil {
		t.Fatal(err)
	}
	defer resp.Close()
	gone := errors.New("gone")
	if read, write := resp.CopyTo(&sink{full: gone}, false); read != nil || !errors.Is(write, gone) {
		t.Errorf("got %v, %v", read, write)
	}
}
