package transport_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/causeway-access/causeway/internal/transport"
)

// received is a backend that tells what it got: line, framing, body, trailer.
func received(v *visit) {
	for {
		r, err := http.ReadRequest(v.in)
		if err != nil {
			return
		}
		body, err := io.ReadAll(r.Body)
		text := fmt.Sprintf("%s %s %q length %d %v trailer %v %v", r.Method, r.RequestURI, body, r.ContentLength, r.TransferEncoding, r.Trailer, err)
		v.say(fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", ok, len(text), text))
	}
}

func TestRequestsOnTheWire(t *testing.T) {
	h := raw(t, false, received)
	tr := newTransport(t)
	large := strings.Repeat("x", 200_000)
	tests := []struct {
		r    transport.Request
		want string // or the kind of the error
	}{
		{transport.Request{Method: "GET", Path: "//a%2Fb;c/..", Query: "x=%20&y"}, `GET //a%2Fb;c/..?x=%20&y "" length 0 [] trailer map[] <nil>`},
		{transport.Request{Method: "PROPFIND", Path: "/"}, `PROPFIND / "" length 0 [] trailer map[] <nil>`},
		{transport.Request{Method: "POST", Path: "/"}, `POST / "" length 0 [] trailer map[] <nil>`},
		{transport.Request{Method: "PUT", Path: "/", Length: 5, Body: strings.NewReader("hello")}, `PUT / "hello" length 5 [] trailer map[] <nil>`},
		{transport.Request{Method: "PUT", Path: "/", Length: -1, Body: strings.NewReader("hello")}, `PUT / "hello" length -1 [chunked] trailer map[] <nil>`},
		{transport.Request{Method: "PUT", Path: "/", Length: -1, Body: strings.NewReader("")}, `PUT / "" length -1 [chunked] trailer map[] <nil>`},
		{transport.Request{Method: "PUT", Path: "/", Length: -1, Body: strings.NewReader("hello"), Trailer: http.Header{"X-Sum": {"1"}}}, `PUT / "hello" length -1 [chunked] trailer map[X-Sum:[1]] <nil>`},
		{transport.Request{Method: "PUT", Path: "/", Length: int64(len(large)), Body: strings.NewReader(large)}, fmt.Sprintf(`PUT / %q length 200000 [] trailer map[] <nil>`, large)},
		{transport.Request{Method: "PUT", Path: "/", Length: -1, Body: strings.NewReader(large)}, fmt.Sprintf(`PUT / %q length -1 [chunked] trailer map[] <nil>`, large)},
		{transport.Request{Method: "GET", Path: "/", Header: http.Header{"Content-Length": {"7"}, "Transfer-Encoding": {"chunked"}, "X-Large": {large[:20_000]}}}, `GET / "" length 0 [] trailer map[] <nil>`},

		{transport.Request{Method: "GET", Path: "/a b"}, "invalid"},
		{transport.Request{Method: "GET", Path: "/ HTTP/1.1\r\nX: y"}, "invalid"},
		{transport.Request{Method: "GET", Path: "/", Query: "a b"}, "invalid"},
		{transport.Request{Method: "GET", Path: "/", Query: "a\tb"}, "invalid"},
		{transport.Request{Method: "GE T", Path: "/"}, "invalid"},
		{transport.Request{Method: "GET", Path: "/", Host: "h\r\nX: y"}, "invalid"},
		{transport.Request{Method: "GET", Path: "/", Header: http.Header{"X": {"a\r\nY: b"}}}, "invalid"},
		{transport.Request{Method: "GET", Path: "/", Header: http.Header{"X": {"a\nb"}}}, "invalid"},
		{transport.Request{Method: "GET", Path: "/", Header: http.Header{"X": {"a\rb"}}}, "invalid"},
		{transport.Request{Method: "GET", Path: "/", Header: http.Header{"X": {"a\x00b"}}}, "invalid"},
		{transport.Request{Method: "GET", Path: "/", Header: http.Header{"X: y\r\nZ": {"a"}}}, "invalid"},
		{transport.Request{Method: "GET", Path: "/", Header: http.Header{"X ": {"a"}}}, "invalid"},
		{transport.Request{Method: "PUT", Path: "/", Length: -1, Body: strings.NewReader(""), Trailer: http.Header{"X\r\nY": nil}}, "invalid"},
	}
	for _, tt := range tests {
		got := do(t.Context(), tr, h, &tt.r)
		text := got.body
		if got.err != nil {
			text = kind(got.err)
		}
		if text != tt.want {
			t.Errorf("%s %q:\n got %.300s\nwant %.300s", tt.r.Method, tt.r.Path, text, tt.want)
		}
	}
}

// A backend that answers while it still reads, piece by piece.
func TestAnswerWhileReading(t *testing.T) {
	h := raw(t, false, func(v *visit) {
		r, err := http.ReadRequest(v.in)
		if err != nil {
			return
		}
		v.say(ok + "Transfer-Encoding: chunked\r\n\r\n")
		in := bufio.NewReader(r.Body)
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				break
			}
			v.say(fmt.Sprintf("%x\r\n%s\r\n", len(line), line))
		}
		v.say("0\r\n\r\n")
	})
	body, client := io.Pipe()
	var resp transport.Response
	if err := newTransport(t).RoundTrip(t.Context(), h, &transport.Request{Method: "POST", Path: "/", Length: -1, Body: body}, &resp); err != nil {
		t.Fatal(err)
	}
	defer resp.Close()
	in := bufio.NewReader(&resp)
	for n := range 5 {
		line := fmt.Sprintln("piece", n)
		io.WriteString(client, line)
		if got, err := in.ReadString('\n'); got != line || err != nil {
			t.Fatalf("got %q, %v; want %q", got, err, line)
		}
	}
	client.Close()
	if rest, err := io.ReadAll(in); len(rest) > 0 || err != nil {
		t.Errorf("then came %q, %v", rest, err)
	}
}

// An answer that comes before the body was read is the answer. The connection
// is not used again.
func TestEarlyAnswer(t *testing.T) {
	h := raw(t, false, func(v *visit) {
		if r, err := http.ReadRequest(v.in); err == nil && r.URL.Path == "/big" {
			v.say("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig")
			return
		}
		v.say(fmt.Sprintf("%sContent-Length: 1\r\n\r\n%d", ok, v.n))
	})
	tr := newTransport(t)
	body, client := io.Pipe()
	got := do(t.Context(), tr, h, &transport.Request{Method: "POST", Path: "/big", Length: 1 << 30, Body: body})
	if got.status != 413 || got.body != "big" || got.err != nil || got.broken != nil {
		t.Errorf("got %+v", got)
	}
	client.Close()
	if got := do(t.Context(), tr, h, &transport.Request{}); got.body != "1" || got.err != nil {
		t.Errorf("the next request: on connection %q, %v", got.body, got.err)
	}
}

// A body that ends early, or cannot be read, ends the connection: the backend
// does not take it for the whole.
func TestBodyThatFails(t *testing.T) {
	whole := make(chan bool, 1)
	h := raw(t, false, func(v *visit) {
		r, err := http.ReadRequest(v.in)
		if err != nil {
			return
		}
		_, err = io.ReadAll(r.Body)
		whole <- err == nil
	})
	bad := io.MultiReader(strings.NewReader("hell"), failing{})
	for name, r := range map[string]*transport.Request{
		"short":               {Length: 5, Body: strings.NewReader("hell")},
		"unreadable":          {Length: 5, Body: bad},
		"unreadable, chunked": {Length: -1, Body: bad},
	} {
		r.Method = "PUT"
		if got := do(t.Context(), newTransport(t), h, r); kind(got.err) != "lost reused=false unsent=false frozen=false" {
			t.Errorf("%s: got %+v", name, got)
		}
		if <-whole {
			t.Errorf("%s: the backend took it for the whole", name)
		}
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("cannot be read") }

// Section 10.1.1 of RFC 9110: a body waits for 100 Continue, though not for ever.
func TestExpectContinue(t *testing.T) {
	for name, tt := range map[string]struct {
		say  string // before the body is read
		want string
		sent string
	}{
		"wanted":            {"HTTP/1.1 100 Continue\r\n\r\n", "200 ok", "hello"},
		"wanted with hints": {"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n", "200 ok", "hello"},
		"never said":        {"", "200 ok", "hello"},
		"refused":           {"HTTP/1.1 417 No\r\nContent-Length: 2\r\n\r\nno", "417 no", ""},
	} {
		t.Run(name, func(t *testing.T) {
			sent := make(chan string, 1)
			h := raw(t, false, func(v *visit) {
				r, err := http.ReadRequest(v.in)
				if err != nil {
					return
				}
				v.say(tt.say)
				body, _ := io.ReadAll(r.Body)
				sent <- string(body)
				if len(body) > 0 {
					v.say(ok + "Content-Length: 2\r\n\r\nok")
				}
			})
			got := do(t.Context(), newTransport(t), h, &transport.Request{
				Method: "PUT", Length: 5, Body: strings.NewReader("hello"), Header: http.Header{"Expect": {"100-continue"}},
			})
			if text := fmt.Sprint(got.status, " ", got.body); text != tt.want || got.err != nil {
				t.Errorf("got %q, %v; want %q", text, got.err, tt.want)
			}
			if body := <-sent; body != tt.sent {
				t.Errorf("the backend got %q, want %q", body, tt.sent)
			}
		})
	}
}

// An upgrade gives its connection away, with what was read ahead; a refusal
// does not keep it.
func TestUpgrade(t *testing.T) {
	h := raw(t, false, func(v *visit) {
		if r := v.request(); r.URL.Path != "/ws" {
			v.say("HTTP/1.1 403 Forbidden\r\nContent-Length: 1\r\n\r\n" + fmt.Sprint(v.n))
			v.request()
			return
		}
		v.say("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nahead ")
		io.Copy(v, v.in)
	})
	tr := newTransport(t)
	for want := range 2 {
		if got := do(t.Context(), tr, h, &transport.Request{Upgrade: true}); got.status != 403 || got.body != fmt.Sprint(want) {
			t.Errorf("got %+v, want 403 on connection %d", got, want)
		}
	}
	var resp transport.Response
	if err := tr.RoundTrip(t.Context(), h, &transport.Request{Method: "GET", Path: "/ws", Upgrade: true}, &resp); err != nil || resp.Status != 101 || resp.Get("Upgrade") != "echo" {
		t.Fatalf("got %d, %v", resp.Status, err)
	}
	c, err := resp.Take()
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(c, "echo")
	c.(interface{ CloseWrite() error }).CloseWrite()
	if got, err := io.ReadAll(c); string(got) != "ahead echo" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	c.Close()
	resp.Close()
}
