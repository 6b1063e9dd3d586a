package accesstest

import (
	"bufio"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// exchange is a case in raw bytes: what a client writes on one connection, and
// what it reads until the engine closes that.
type exchange struct {
	name  string
	parts []string // each a TLS record
	codes []int    // of all answers, in order; nil: see oneOf
	oneOf []int    // the first answer's may be any of these, or there is none at all if it has 0
	has   []string // what comes must have these
	lacks []string // and none of these
	ends  string   // what it ends with
	// behind may look at the heads that the script got.
	behind func(t *testing.T, heads []string)
}

func (w *world) exchange(t *testing.T, e exchange) {
	w.script.heads.take()
	out := w.send(t, e.parts...)
	got := codes(out)
	if e.codes != nil && !slices.Equal(got, e.codes) {
		t.Errorf("got answers %v, want %v, in %q", got, e.codes, out)
	}
	if first := append(got, 0)[0]; e.oneOf != nil && !slices.Contains(e.oneOf, first) {
		t.Errorf("got answer %d, want one of %v, in %q", first, e.oneOf, out)
	}
	for _, want := range e.has {
		if !strings.Contains(out, want) {
			t.Errorf("there is no %q in %q", want, out)
		}
	}
	for _, not := range e.lacks {
		if strings.Contains(out, not) {
			t.Errorf("there is %q in %q", not, out)
		}
	}
	if !strings.HasSuffix(out, e.ends) {
		t.Errorf("%q does not end with %q", out, e.ends)
	}
	if e.behind != nil {
		e.behind(t, w.script.heads.take())
	}
}

// rawBytes are cases that have led engines astray: framing, reuse and order.
func rawBytes(t *testing.T, start Engine) {
	w := newWorld(t, start, nil)
	for _, cases := range [][]exchange{w.plainly(), w.framed(), w.answered(), w.stale()} {
		for _, e := range cases {
			t.Run(e.name, func(t *testing.T) { w.exchange(t, e) })
		}
	}
	t.Run("an early answer while the client uploads", w.earlyAnswer)
	t.Run("a connection that breaks off in the body", w.brokenUpload)
}

// done returns a request whose answer is 204 and ends the connection.
func (w *world) done() string {
	return last("GET", w.script.says("HTTP/1.1 204 No Content\r\n\r\n"))
}

// plainly are requests without a body.
func (w *world) plainly() []exchange {
	done, get := w.done(), head("GET", web+"/echo?1")
	return []exchange{
		{name: "a GET", parts: []string{last("GET", web+"/echo?a=%20b", "X-Forwarded-For: 6.6.6.6", "Keep-Alive: 3", "X-A: 1")}, codes: []int{200},
			has: []string{"X-Forwarded-For: 6.6.6.6, 127.0.0.1\r\n", "GET /echo?a=%20b HTTP/1.1\r\n", "X-A: 1\r\n"}, lacks: []string{"alice-token", "Keep-Alive: 3"}},
		{name: "a HEAD has no body", parts: []string{head("HEAD", web+"/echo"), done}, codes: []int{200, 204}, lacks: []string{"HEAD /echo"}},
		{name: "two in one record", parts: []string{get + last("GET", web+"/echo?2")}, codes: []int{200, 200}, has: []string{"/echo?1", "/echo?2"}},
		{name: "a target, what is none, and a target, in one record",
			parts: []string{get + head("GET", "/nothing") + last("GET", web+"/echo?3")}, codes: []int{200, 404, 200}, has: []string{"/echo?1", "/echo?3"}},
		{name: "a head in three records", parts: pieces(last("GET", web+"/echo"), 20, 60), codes: []int{200}},
		{name: "a head in a record for each byte", parts: strings.Split(last("GET", web+"/echo"), ""), codes: []int{200}},
		{name: "empty lines before the request line", parts: []string{"\r\n" + last("GET", web+"/echo")}, oneOf: []int{200, 400}},
		{name: "HTTP/1.0", parts: []string{bare("GET "+web+"/echo HTTP/1.0", "Host: x", "Authorization: Bearer alice-token")}, codes: []int{200}, has: []string{"GET /echo HTTP/1.1"}},
		{name: "HTTP/1.0 cannot read chunks", parts: []string{bare("GET "+w.script.says(chunked)+" HTTP/1.0", "Host: x", "Authorization: Bearer alice-token")},
			codes: []int{200}, ends: "\r\n\r\nhelloabc"},
		{name: "Connection: close", parts: []string{last("GET", web+"/echo")}, codes: []int{200}, has: []string{"Connection: close"}},
		{name: "a header that Connection names", parts: []string{last("GET", web+"/echo", "Connection: X-Foo", "X-Foo: 1")}, codes: []int{200}, lacks: []string{"X-Foo"}},
		{name: "a token that nobody has", parts: []string{strings.Replace(last("GET", web+"/echo"), "alice-token", "bad-token!", 1)}, codes: []int{401}, lacks: []string{"GET /echo"}},
	}
}

// pieces cuts s at the given places.
func pieces(s string, at ...int) []string {
	var out []string
	from := 0
	for _, i := range at {
		out, from = append(out, s[from:i]), i
	}
	return append(out, s[from:])
}

// framed are requests with a body.
func (w *world) framed() []exchange {
	done := w.done()
	length, chunks := head("POST", web+"/echo", "Content-Length: 5"), head("POST", web+"/echo", "Transfer-Encoding: chunked")
	return []exchange{
		{name: "a body by length", parts: []string{length + "hello" + done}, codes: []int{200, 204}, has: []string{"\r\n\r\nhello"}},
		{name: "a body by length, late and in pieces", parts: []string{length, "he", "llo", done}, codes: []int{200, 204}, has: []string{"\r\n\r\nhello"}},
		{name: "a body by length with the next request in its record", parts: []string{length, "hello" + done}, codes: []int{200, 204}, has: []string{"\r\n\r\nhello"}},
		{name: "a chunked body", parts: []string{chunks + "5\r\nhello\r\n0\r\n\r\n" + done}, codes: []int{200, 204}, has: []string{"hello"}},
		{name: "a chunked body, late, in pieces, the next request in its record",
			parts: []string{chunks, "5\r\nhel", "lo\r\n0\r\n\r\n" + done}, codes: []int{200, 204}, has: []string{"hello"}},
		{name: "a chunked body cut within its size lines", parts: append(strings.Split(chunks+"5\r\nhello\r\n0\r\n\r\n", ""), done), codes: []int{200, 204}, has: []string{"hello"}},
		{name: "a chunked body with a trailer", parts: []string{head("POST", web+"/echo", "Transfer-Encoding: chunked", "Trailer: X-T") + "5\r\nhello\r\n0\r\nX-T: v\r\n\r\n" + done},
			codes: []int{200, 204}, has: []string{"hello", "X-T: v\r\n"}},
		{name: "an empty body by length", parts: []string{head("POST", web+"/echo", "Content-Length: 0") + done}, codes: []int{200, 204}},
		{name: "an empty chunked body", parts: []string{chunks + "0\r\n\r\n" + done}, codes: []int{200, 204}},
		{name: "a GET with a body", parts: []string{head("GET", web+"/echo", "Content-Length: 5") + "hello" + done}, codes: []int{200, 204}, has: []string{"\r\n\r\nhello"}},
		{name: "a body that a refused request had", parts: []string{strings.Replace(length, "alice", "nobody", 1) + "hello" + done}, oneOf: []int{401}, lacks: []string{"HTTP/1.1 400"}},
	}
}

// chunked is an answer in two chunks.
const chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n3\r\nabc\r\n0\r\n\r\n"

// answered are answers that must be understood to the byte.
func (w *world) answered() []exchange {
	done, s := w.done(), w.script
	get := func(path string, lines ...string) []string { return []string{head("GET", path, lines...) + done} }
	trailer := s.says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n5\r\nhello\r\n0\r\nX-T: v\r\n\r\n")
	return []exchange{
		{name: "chunks", parts: get(s.says(chunked)), codes: []int{200, 204}, has: []string{"hello", "abc"}},
		{name: "trailers", parts: get(trailer, "TE: trailers"), codes: []int{200, 204}, has: []string{"X-T: v\r\n"}},
		{name: "trailers that were not asked for", parts: get(trailer), codes: []int{200, 204}, has: []string{"X-T: v\r\n"}},
		{name: "until the end of the connection", parts: get(s.ends("HTTP/1.1 200 OK\r\n\r\nuntil-close")), codes: []int{200, 204}, has: []string{"until-close"}},
		{name: "bytes behind an answer never reach the next request", parts: get(s.says("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison")),
			codes: []int{200, 204}, lacks: []string{"poison"}},
		{name: "too short a body ends the connection", parts: get(s.ends("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")), codes: []int{200}, ends: "hello"},
		{name: "chunks without their end end the connection", parts: get(s.ends("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")), codes: []int{200}, lacks: []string{"0\r\n\r\n"}},
		{name: "a broken chunk ends the connection", parts: get(s.ends("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloXX0\r\n\r\n")), codes: []int{200}, lacks: []string{"0\r\n\r\n"}},
		{name: "100 that was not asked for", parts: get(s.says("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")), has: []string{"HTTP/1.1 200 OK", "HTTP/1.1 204"}, lacks: []string{"502"}},
		{name: "103 before the head", parts: get(s.says("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")), codes: []int{103, 200, 204}, has: []string{"Link: </a>"}},
		{name: "two lengths", parts: get(s.says("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello")), codes: []int{502, 204}},
		{name: "length and chunks", parts: get(s.ends("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")), oneOf: []int{200, 502}, lacks: []string{"Content-Length: 3\r\n"}},
		{name: "204 with a length", parts: get(s.ends("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello")), codes: []int{204, 204}, lacks: []string{"hello"}},
		{name: "304 with a length", parts: get(s.ends("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n")), codes: []int{304, 204}},
		{name: "101 that nobody asked for", parts: get(s.ends("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nraw")), codes: []int{502, 204}, lacks: []string{"raw"}},
		{name: "no HTTP at all", parts: get(s.ends("SSH-2.0-OpenSSH_9.2\r\n")), codes: []int{502, 204}},
		{name: "a negative length", parts: get(s.ends("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n")), codes: []int{502, 204}},
		{name: "a status that is none", parts: get(s.ends("HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n")), codes: []int{502, 204}},
		{name: "a head without an end", parts: get(s.does(endless)), codes: []int{502, 204}},
	}
}

// endless writes headers until nobody reads them any more.
func endless(t *turn) {
	t.write("HTTP/1.1 200 OK\r\n")
	for line := "X-Endless: " + strings.Repeat("x", 4000) + "\r\n"; !t.over; {
		t.write(line)
	}
}

// stale are connections to the backend that end between two requests, without
// a word of it.
func (w *world) stale() []exchange {
	gone := w.script.ends("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
	get := head("GET", gone)
	return []exchange{
		{name: "requests after the backend has hung up", parts: []string{get, head("GET", web+"/echo"), get, last("GET", web+"/echo")}, codes: []int{200, 200, 200, 200}},
		{name: "a request with a body after the backend has hung up", parts: []string{get, last("PUT", web+"/echo", "Content-Length: 5") + "hello"}, codes: []int{200, 200}, has: []string{"\r\n\r\nhello"}},
	}
}

// earlyAnswer: the backend refuses a body before it has read it, and hangs up.
// The client must get that answer, and not a reset in its place; what it sends
// on is never taken for a request.
func (w *world) earlyAnswer(t *testing.T) {
	refuses := w.script.does(func(t *turn) {
		t.write("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
		t.over = true
	})
	c := w.dial(t, "http/1.1")
	if _, err := io.WriteString(c, head("POST", refuses, "Content-Length: 200000")+strings.Repeat("x", 50000)); err != nil {
		t.Fatal(err)
	}
	w.script.heads.take()
	in := bufio.NewReader(c)
	resp, err := http.ReadResponse(in, nil)
	if err != nil || resp.StatusCode != http.StatusRequestEntityTooLarge || !resp.Close {
		t.Fatalf("got %v, %v; want 413 and the connection's end", resp, err)
	}
	go func() { // until the engine has had enough
		_, _ = io.WriteString(c, strings.Repeat("x", 150000)+head("GET", web+"/smuggled"))
	}()
	if rest, _ := io.ReadAll(in); len(rest) > 0 {
		t.Errorf("behind it came %q", rest)
	}
	for _, h := range w.script.heads.take() {
		if strings.Contains(h, "/smuggled") {
			t.Error("the rest of the body was read as a request")
		}
	}
}

// brokenUpload: the client hangs up in the middle of a body. The backend must
// not take what it has for the whole.
func (w *world) brokenUpload(t *testing.T) {
	for name, request := range map[string]string{
		"by length": head("POST", web+"/echo", "Content-Length: 10") + "hello",
		"in chunks": head("POST", web+"/echo", "Transfer-Encoding: chunked") + "5\r\nhello\r\n",
	} {
		c := w.dial(t, "http/1.1")
		if _, err := io.WriteString(c, request); err != nil {
			t.Fatal(err)
		}
		if err := c.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if out := read(t, c); slices.Contains(codes(out), http.StatusOK) {
			t.Errorf("%s: the backend got half a body as a whole one: %q", name, out)
		}
	}
}
