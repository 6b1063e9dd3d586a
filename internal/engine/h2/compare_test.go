package h2_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-access/causeway/internal/engine/h2"
)

// seen is what a client sees of an answer.
type seen struct {
	Status  int
	Header  http.Header
	Length  int64
	Body    string
	Failed  bool // reading the body
	Trailer http.Header
	Early   []string // 1xx
	Refused bool     // no answer at all
}

// exchange is a handler and a request for it.
type exchange struct {
	name    string
	handler http.HandlerFunc
	request func(*http.Request) // changes a plain GET
}

func exchanges() []exchange {
	write := func(s string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, s) }
	}
	method := func(name string) func(*http.Request) { return func(r *http.Request) { r.Method = name } }
	body := func(s string) func(*http.Request) {
		return func(r *http.Request) {
			r.Method, r.Body, r.ContentLength = "POST", io.NopCloser(strings.NewReader(s)), int64(len(s))
		}
	}
	status := func(code int, text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(code)
			_, _ = io.WriteString(w, text)
		}
	}
	long := strings.Repeat("0123456789abcdef", 20<<10) // 320 KiB
	return []exchange{
		{"nothing", func(http.ResponseWriter, *http.Request) {}, nil},
		{"text", write("hello"), nil},
		{"a page", write("<!doctype html><p>x"), nil},
		{"a page in pieces", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "<!doc")
			_, _ = io.WriteString(w, "type html><p>"+strings.Repeat("x", 9000))
		}, nil},
		{"just a piece", write(strings.Repeat("x", 4096)), nil},
		{"one more than a piece", write(strings.Repeat("x", 4097)), nil},
		{"a long body", write(long), nil},
		{"HEAD of text", write("hello"), method("HEAD")},
		{"HEAD of a long body", write(long), method("HEAD")},
		{"HEAD of nothing", func(http.ResponseWriter, *http.Request) {}, method("HEAD")},
		{"HEAD with a length", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "77") }, method("HEAD")},
		{"HEAD flushed", func(w http.ResponseWriter, r *http.Request) {
			w.(http.Flusher).Flush()
			_, _ = io.WriteString(w, "more")
			if r.Context().Err() != nil {
				panic("over")
			}
		}, nil},
		{"204", status(204, "ignored"), nil},
		{"304", status(304, "ignored"), nil},
		{"404", status(404, "nope"), nil},
		{"599", status(599, ""), nil},
		{"a second status", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(201); w.WriteHeader(500) }, nil},
		{"a field after the head", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(200)
			w.Header().Set("Late", "1")
		}, nil},
		{"fields", func(w http.ResponseWriter, _ *http.Request) {
			h := w.Header()
			h["A"], h["set-cookie"], h["X-Empty"] = []string{"1", "2"}, []string{"a=b", "c=d"}, []string{""}
			h["Bad Name"], h["Bad"] = []string{"x"}, []string{"a\nb"}
			h["Date"], h["Content-Type"] = nil, nil
			_, _ = io.WriteString(w, "<html>")
		}, nil},
		{"a coding", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "br")
			_, _ = io.WriteString(w, "<html>")
		}, nil},
		{"a length", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "5")
			_, _ = io.WriteString(w, "hello")
		}, nil},
		{"a length that is none", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "five")
			_, _ = io.WriteString(w, "hello")
		}, nil},
		{"less than its length", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "9")
			_, _ = io.WriteString(w, "hello")
		}, nil},
		{"more than its length", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "5")
			_, _ = io.WriteString(w, "hello")
			w.(http.Flusher).Flush() // net/http takes more before
			if n, err := io.WriteString(w, "more"); n != 0 || err == nil {
				panic("it was taken")
			}
		}, nil},
		{"an end of the connection", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Connection", "close")
			_, _ = io.WriteString(w, "bye")
		}, nil},
		{"fields of HTTP/1.1", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Transfer-Encoding", "chunked")
			_, _ = io.WriteString(w, "x")
		}, nil},
		{"a panic", func(http.ResponseWriter, *http.Request) { panic("x") }, nil},
		{"broken off", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, nil},
		{"broken off within", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "half")
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}, nil},
		{"early hints", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Link", "</x>")
			w.WriteHeader(103)
			w.Header().Del("Link")
			_, _ = io.WriteString(w, "x")
		}, nil},
		{"a trailer", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Trailer", "A, B")
			_, _ = io.WriteString(w, "x")
			w.Header().Set("A", "1")
			w.Header().Set("C", "3")
		}, nil},
		{"a trailer that was not announced", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "x")
			w.(http.Flusher).Flush()
			w.Header().Set(http.TrailerPrefix+"Grpc-Status", "0")
			w.Header().Set(http.TrailerPrefix+"Content-Length", "0")
		}, nil},
		{"a trailer without a body", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Trailer", "A")
			w.WriteHeader(200)
			w.Header().Set("A", "1")
		}, nil},
		{"echo", echo, body("ping")},
		{"echo of nothing", echo, body("")},
		{"echo of a long body", echo, body(long)},
		{"echo of what has no length", echo, func(r *http.Request) { body("ping")(r); r.ContentLength = -1 }},
		{"a body that nobody reads", write("no"), body(long)},
		{"a body that is closed", func(w http.ResponseWriter, r *http.Request) {
			_ = r.Body.Close()
			_, err := r.Body.Read(make([]byte, 1))
			_, _ = fmt.Fprint(w, err != nil)
		}, body(long)},
		{"a trailer of the request", func(w http.ResponseWriter, r *http.Request) {
			names := slices.Sorted(maps.Keys(r.Trailer))
			_, _ = io.Copy(io.Discard, r.Body)
			_, _ = fmt.Fprint(w, names, r.Trailer["A"], r.Header["Trailer"])
		}, func(r *http.Request) { body("ping")(r); r.ContentLength = -1; r.Trailer = http.Header{"A": {"1"}} }},
		{"a question first", func(w http.ResponseWriter, r *http.Request) {
			b, _ := io.ReadAll(r.Body)
			_, _ = fmt.Fprintf(w, "%s %q", b, r.Header["Expect"])
		}, func(r *http.Request) { body("ping")(r); r.Header.Set("Expect", "100-continue") }},
		{"a question that is not answered", status(417, ""), func(r *http.Request) { body("ping")(r); r.Header.Set("Expect", "100-continue") }},
		{"the request", describe, func(r *http.Request) {
			r.URL.Path, r.URL.RawPath, r.URL.RawQuery = "/a b/c", "/a%20b%2Fc", "q=%20&&;"
			r.Header["X-Two"], r.Header["Cookie"] = []string{"1", "2"}, []string{"a=b", "c=d"}
			r.Header.Set("Te", "trailers")
		}},
		{"the request with a body", describe, body("ping")},
		{"another host", describe, func(r *http.Request) { r.Host = "other.example:8443" }},
		{"OPTIONS", describe, method("OPTIONS")},
		{"a method of one's own", describe, method("PURGE")},
		{"OPTIONS of the server", describe, func(r *http.Request) { r.Method, r.URL.Path, r.URL.Opaque = "OPTIONS", "", "*" }},
	}
}

// describe answers with all that a handler can see of its request.
func describe(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	h := w.Header()
	h["Of"] = []string{
		r.Method, r.RequestURI, r.URL.String(), fmt.Sprintf("%+v", *r.URL), r.Proto, fmt.Sprint(r.ProtoMajor, r.ProtoMinor),
		fmt.Sprint(r.ContentLength, r.TransferEncoding, r.Close, r.Trailer == nil, r.Form == nil),
		fmt.Sprint(r.TLS != nil && r.TLS.HandshakeComplete, r.RemoteAddr != "", string(body), err),
		fmt.Sprint(r.Context().Value(http.ServerContextKey) != nil, r.Context().Value(http.LocalAddrContextKey) != nil),
	}
	_, notifies := w.(http.CloseNotifier) //nolint:staticcheck // others ask
	_, flushes := w.(http.Flusher)
	_, hijacks := w.(http.Hijacker)
	_, strings := w.(io.StringWriter)
	control := http.NewResponseController(w)
	h["Writer"] = []string{fmt.Sprint(notifies, flushes, hijacks, strings,
		control.SetReadDeadline(time.Now().Add(time.Hour)), control.SetWriteDeadline(time.Now().Add(time.Hour)), control.EnableFullDuplex())}
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		_, _ = fmt.Fprintf(w, "%s: %q\n", name, r.Header[name])
	}
}

// see makes a request.
func see(t *testing.T, client *http.Client, url string, x exchange) seen {
	t.Helper()
	var s seen
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
		s.Early = append(s.Early, fmt.Sprint(code, h))
		return nil
	}})
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	must(t, err)
	r.Host = "h.example"
	if x.request != nil {
		x.request(r)
	}
	resp, err := client.Do(r)
	if err != nil {
		s.Refused = true
		return s
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	s.Status, s.Header, s.Length, s.Body, s.Failed, s.Trailer = resp.StatusCode, resp.Header, resp.ContentLength, string(b), err != nil, resp.Trailer
	if s.Header.Get("Date") != "" {
		s.Header.Set("Date", "now")
	}
	return s
}

// To a client our server and that of net/http are the same.
func TestAnswersAreThoseOfNetHTTP(t *testing.T) {
	for _, x := range exchanges() {
		t.Run(x.name, func(t *testing.T) {
			theirs, ours := start(t, false, h2.Config{Handler: x.handler}), start(t, true, h2.Config{Handler: x.handler})
			for _, s := range []interface{ Client() *http.Client }{theirs, ours} {
				s.Client().Transport.(*http.Transport).ExpectContinueTimeout = time.Minute
			}
			want, got := see(t, theirs.Client(), theirs.URL, x), see(t, ours.Client(), ours.URL, x)
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("net/http's -, ours +:\n%s", d)
			}
		})
	}
}

// Pieces come when they are flushed, and a client that leaves ends the
// handler's context, as with events and watches.
func TestPiecesComeWhenFlushed(t *testing.T) {
	left := make(chan error, 1)
	s := start(t, true, h2.Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		notified := w.(http.CloseNotifier).CloseNotify() //nolint:staticcheck // others use it
		for i := 0; ; i++ {
			if _, err := fmt.Fprintf(w, "data: %d\n", i); err != nil {
				break
			}
			w.(http.Flusher).Flush()
			if i == 2 {
				<-notified
				<-r.Context().Done()
				left <- errors.Join(context.Cause(r.Context()), r.Context().Err())
				return
			}
		}
	})})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL, nil)
	must(t, err)
	resp, err := s.Client().Do(r)
	must(t, err)
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for i := range 3 {
		if !lines.Scan() || lines.Text() != fmt.Sprintf("data: %d", i) {
			t.Fatalf("line %d is %q, %v", i, lines.Text(), lines.Err())
		}
	}
	cancel()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("the context ended with %v", err)
	}
}

// Both sides may send at the same time, more than all windows hold.
func TestBodiesCrossEachOther(t *testing.T) {
	s := start(t, true, h2.Config{StreamBuffer: 64 << 10, ConnBuffer: 64 << 10, Handler: http.HandlerFunc(echo)})
	sent := bytes.Repeat([]byte("0123456789abcdef"), 1<<20) // 16 MiB
	resp, err := s.Client().Post(s.URL, "", bytes.NewReader(sent))
	must(t, err)
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	must(t, err)
	if !bytes.Equal(got, sent) {
		t.Errorf("got %d bytes, and not those %d that were sent", len(got), len(sent))
	}
}
