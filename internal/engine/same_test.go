package engine_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// handlers do what handlers do. Each is asked for by its name as the path.
var handlers = map[string]http.HandlerFunc{
	"nothing":      func(http.ResponseWriter, *http.Request) {},
	"short":        func(w http.ResponseWriter, _ *http.Request) { say(w, "hello") },
	"page":         func(w http.ResponseWriter, _ *http.Request) { say(w, "<html><body>hello") },
	"empty write":  func(w http.ResponseWriter, _ *http.Request) { say(w, "") },
	"many writes":  func(w http.ResponseWriter, _ *http.Request) { say(w, strings.Split(strings.Repeat("abc", 500), "")...) },
	"just no more": func(w http.ResponseWriter, _ *http.Request) { say(w, strings.Repeat("x", 2048)) },
	"just more":    func(w http.ResponseWriter, _ *http.Request) { say(w, strings.Repeat("x", 2048), "y") },
	"long":         func(w http.ResponseWriter, _ *http.Request) { say(w, strings.Repeat("0123456789", 20000)) },
	"long in parts": func(w http.ResponseWriter, _ *http.Request) {
		say(w, strings.SplitAfter(strings.Repeat("0123456789", 999), "5")...)
	},
	"of a length": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "5")
		say(w, "hel", "lo")
	},
	"of a length, long": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100000")
		w.Header().Set("Content-Type", "text/x")
		say(w, strings.Repeat("0123456789", 5000), strings.Repeat("abcdefghij", 5000))
	},
	"too long": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "5")
		say(w, "hello")
		if _, err := io.WriteString(w, "more"); !errors.Is(err, http.ErrContentLength) {
			panic(err)
		}
	},
	"too short": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "50")
		say(w, "hello")
	},
	"no length at all": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "many")
		say(w, "hello")
	},
	"head only": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "7")
		w.WriteHeader(http.StatusTeapot)
	},
	"a code of its own": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(799); say(w, "x") },
	"two heads":         func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(201); w.WriteHeader(500); say(w, "x") },
	"flushed": func(w http.ResponseWriter, _ *http.Request) {
		say(w, "one")
		flush(w)
		say(w, "two")
		flush(w)
		flush(w)
	},
	"flushed first": func(w http.ResponseWriter, _ *http.Request) { flush(w); say(w, "<html>") },
	"204": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "5")
		w.Header().Set("Content-Type", "text/x")
		w.WriteHeader(http.StatusNoContent)
		if _, err := io.WriteString(w, "hello"); !errors.Is(err, http.ErrBodyNotAllowed) {
			panic(err)
		}
	},
	"304": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/x")
		w.Header().Set("Etag", `"x"`)
		w.WriteHeader(http.StatusNotModified)
	},
	"103": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "</a>")
		w.Header().Set("Content-Length", "5")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Del("Link")
		say(w, "hello")
	},
	"head changed after it was said": func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h.Set("X-A", "1")
		w.WriteHeader(http.StatusOK)
		h.Set("X-A", "2")
		h.Set("X-B", "2")
		w.Header().Set("X-C", "3")
		say(w, "hello")
	},
	"types": func(w http.ResponseWriter, _ *http.Request) { w.Header()["Content-Type"] = nil; say(w, "<html>") },
	"coded": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		say(w, "<html>")
	},
	"no date": func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Date"] = nil
		say(w, "<html>")
	},
	"odd fields": func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["x-lower"] = []string{"a", " b ", "c\r\nd: e"}
		w.Header()["not a name"] = []string{"x"}
		w.Header()["Empty"] = []string{""}
		say(w, "x")
	},
	"closes":       func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Connection", "close"); say(w, "x") },
	"other option": func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Connection", "X-Hop"); say(w, "x") },
	"identity": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Transfer-Encoding", "identity")
		say(w, "x")
	},
	"chunked": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Transfer-Encoding", "chunked")
		w.Header().Set("Content-Length", "1")
		say(w, "x")
	},
	"trailers": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Trailer", "X-A, X-B , Content-Length")
		say(w, "hello")
		w.Header().Set("X-A", "1")
		w.Header().Set(http.TrailerPrefix+"X-Late", "2")
	},
	"late trailers": func(w http.ResponseWriter, _ *http.Request) {
		say(w, "hello")
		flush(w)
		w.Header().Set(http.TrailerPrefix+"X-Late", "2")
	},
	"trailers before a head": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set(http.TrailerPrefix+"X-Late", "2")
		say(w, "hello")
	},
	"aborts":           func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	"panics":           func(w http.ResponseWriter, _ *http.Request) { say(w, "x"); panic("at the handler") },
	"aborts in a body": func(w http.ResponseWriter, _ *http.Request) { say(w, "x"); flush(w); panic(http.ErrAbortHandler) },
	"echo":             func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) },
	"reads, then flush": func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		say(w, "x")
		flush(w)
	},
	"reads a little":  func(w http.ResponseWriter, r *http.Request) { _, _ = r.Body.Read(make([]byte, 2)); say(w, "x") },
	"closes the body": func(w http.ResponseWriter, r *http.Request) { _ = r.Body.Close(); say(w, "x") },
	"reads from": func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.(io.ReaderFrom).ReadFrom(strings.NewReader(strings.Repeat("0123456789", 5000)))
	},
	"reads from, of a length": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "50000")
		_, _ = w.(io.ReaderFrom).ReadFrom(strings.NewReader(strings.Repeat("0123456789", 5000)))
	},
	"request": func(w http.ResponseWriter, r *http.Request) {
		_, local := r.Context().Value(http.LocalAddrContextKey).(interface{ Network() string })
		_, server := r.Context().Value(http.ServerContextKey).(*http.Server)
		_ = r.ParseForm()
		fmt.Fprintln(w, r.Method, r.RequestURI, r.URL.Path, r.URL.RawPath, r.URL.RawQuery, r.URL.ForceQuery, r.Proto, r.Host,
			r.ContentLength, r.TransferEncoding, r.Close, r.TLS, r.Form, r.Header, r.RemoteAddr != "", local, server, r.Trailer, r.Pattern)
	},
	"hijacks": func(w http.ResponseWriter, _ *http.Request) {
		c, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		defer c.Close()
		_, _ = io.WriteString(c, "hijacked")
		_ = c.(interface{ CloseWrite() error }).CloseWrite()
		_, _ = io.Copy(io.Discard, buffered) // or what is unread would break off what was written
		if _, err := w.Write([]byte("x")); !errors.Is(err, http.ErrHijacked) {
			panic(err)
		}
	},
	"deadlines": func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		err := errors.Join(control.SetReadDeadline(time.Now().Add(time.Hour)), control.SetWriteDeadline(time.Now().Add(time.Hour)), control.EnableFullDuplex())
		fmt.Fprint(w, err)
	},
}

func say(w io.Writer, parts ...string) {
	for _, p := range parts {
		_, _ = io.WriteString(w, p)
	}
}

func flush(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() }

// byName serves each handler at its name.
var byName = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	name := strings.ReplaceAll(strings.Trim(r.URL.Path, "/"), "_", " ")
	if h, ok := handlers[name]; ok {
		h(w, r)
		return
	}
	http.NotFound(w, r)
})

// requests to a handler: each ends with one after which the connection ends.
func requests(path string) map[string][]string {
	post := func(lines ...string) string {
		return "POST " + path + " HTTP/1.1\r\nHost: example.com\r\n" + strings.Join(append(lines, "\r\n"), "\r\n")
	}
	end := last("/short")
	return map[string][]string{
		"GET":                     {get(path), end},
		"two in one":              {get(path) + end},
		"HEAD":                    {strings.Replace(get(path), "GET", "HEAD", 1), end},
		"OPTIONS":                 {strings.Replace(get(path), "GET", "OPTIONS", 1), end},
		"query":                   {get(path + "?a=b&c=%20d"), end},
		"empty query":             {get(path + "?"), end},
		"fields":                  {get(path, "a: 1", "A: 2", "x-y-z:   three  ", "Empty:", "Pragma: no-cache", "Cookie: a=b; c=d"), end},
		"Connection: close":       {last(path)},
		"Connection: keep-alive":  {get(path, "Connection: keep-alive"), end},
		"POST, empty":             {post("Content-Length: 0"), end},
		"POST":                    {post("Content-Length: 5") + "hello", end},
		"POST, late":              {post("Content-Length: 5"), "hel", "lo" + end},
		"POST, last":              {post("Content-Length: 5", "Connection: close") + "hello"},
		"GET with a body":         {get(path, "Content-Length: 5") + "hello" + end},
		"POST of 100 KB":          {post("Content-Length: 100000"), strings.Repeat("0123456789", 10000), end},
		"handed over: chunked":    {get(path), post("Transfer-Encoding: chunked") + "5\r\nhello\r\n0\r\n\r\n", end},
		"handed over: HTTP/1.0":   {get(path), "GET " + path + " HTTP/1.0\r\n\r\n"},
		"handed over: expects":    {post("Content-Length: 5", "Expect: 100-continue") + "hello", end},
		"handed over: expects it": {post("Content-Length: 5", "Expect: the unexpected") + "hello"},
		"handed over: absolute":   {get("http://example.com" + path), end},
		"handed over: options":    {get(path, "Connection: X-A", "X-A: 1"), end},
	}
}

// dates may differ.
var dates = regexp.MustCompile(`Date: [^\r]*\r\n`)

// plainly reads all answers, with fields in order and chunks joined, which is in
// what the two servers may differ.
func plainly(method string, raw string) []string {
	in := bufio.NewReader(strings.NewReader(raw))
	var all []string
	for {
		resp, err := http.ReadResponse(in, &http.Request{Method: method})
		if err != nil {
			rest, _ := io.ReadAll(in)
			return append(all, dates.ReplaceAllString(string(rest), ""))
		}
		final := resp.StatusCode >= 200
		body, err := io.ReadAll(resp.Body)
		var fields []string
		for _, h := range []http.Header{resp.Header, resp.Trailer} {
			for name, values := range h {
				if name != "Date" {
					fields = append(fields, fmt.Sprintf("%s: %q", name, values))
				}
			}
		}
		slices.Sort(fields)
		text := fmt.Sprintln(resp.Proto, resp.Status, resp.TransferEncoding, resp.ContentLength, resp.Close) + strings.Join(fields, "\n")
		all = append(all, fmt.Sprintf("%s\n%s\n%v, date %t", text, body, err, resp.Header["Date"] != nil))
		if final {
			method = http.MethodGet
		}
	}
}

// talk says the parts on a connection, each after the server has seen the one
// before, and returns what comes until the connection's end.
func talk(t *testing.T, s *site, parts []string) string {
	c := s.dial(t)
	go func() {
		for _, p := range parts {
			if _, err := io.WriteString(c, p); err != nil {
				return // the server has ended it
			}
		}
	}()
	return c.rest()
}

// differs are requests to a handler to which the answers are not the same.
var differs = map[string]string{
	"no length at all/HEAD": "net/http passes on the Content-Length that is none",
}

// TestClientsSeeTheSame holds the engine to net/http's answers. What it cannot
// do is to close the connection when a handler's MaxBytesReader has had enough:
// that tells net/http's server alone. The rest of a small body is read then, and
// the connection goes on.
func TestClientsSeeTheSame(t *testing.T) {
	we, they := ours(t, byName), theirs(t, byName)
	for name := range handlers {
		for kind, parts := range requests("/" + strings.ReplaceAll(name, " ", "_")) {
			if differs[name+"/"+kind] != "" {
				continue
			}
			t.Run(name+"/"+kind, func(t *testing.T) {
				t.Parallel()
				method, _, _ := strings.Cut(parts[0], " ")
				want := talk(t, they, parts)
				got := talk(t, we, parts)
				if diff := cmp.Diff(plainly(method, want), plainly(method, got)); diff != "" {
					t.Errorf("a client sees something else (-net/http +engine):\n%s\n%q\n%q", diff, want, got)
				}
			})
		}
	}
}
