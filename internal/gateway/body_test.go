package gateway_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

const post = "POST " + web + "/ HTTP/1.1\nHost: h\nAuthorization: Bearer alice-token\n"

// A backend that answers before it has the whole body: the answer arrives, and
// nothing of the rest is taken for another request.
func TestEarlyAnswer(t *testing.T) {
	b := raw(t, func(c net.Conn, _ *http.Request) {
		io.WriteString(c, "HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig")
	})
	w := newWorld(t, nil, service("web", b)...)
	c, in := w.connect(post + "Content-Length: 100\n\nGET /api")
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != 413 || string(body) != "big" || !resp.Close {
		t.Errorf("got %s %q, closed %t", resp.Status, body, resp.Close)
	}
	io.WriteString(c, strings.Repeat("x", 92)+"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	if rest, _ := io.ReadAll(in); len(rest) > 0 {
		t.Errorf("then came %q", rest)
	}
}

// Section 2: 100-continue, with a backend that says it, one that never does,
// and one that refuses.
func TestExpectContinue(t *testing.T) {
	tests := map[string]struct {
		backend http.HandlerFunc
		want    int
	}{
		"wanted":  {func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) }, 200},
		"refused": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusExpectationFailed) }, 417},
	}
	for name, tt := range tests {
		w := newWorld(t, nil, service("web", backend(t, tt.backend))...)
		c, in := w.connect(post + "Content-Length: 5\nExpect: 100-continue\n\n")
		resp, err := http.ReadResponse(in, nil)
		if err == nil && resp.StatusCode == 100 {
			io.WriteString(c, "hello")
			resp, err = http.ReadResponse(in, nil)
		} else if tt.want == 200 {
			t.Errorf("%s: no 100 came first", name)
		}
		if err != nil || resp.StatusCode != tt.want {
			t.Errorf("%s: got %v, %v; want %d", name, resp, err, tt.want)
		}
	}
	silent := raw(t, func(c net.Conn, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		io.WriteString(c, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"+string(body))
	})
	w := newWorld(t, nil, service("web", silent)...)
	c, in := w.connect(post + "Content-Length: 5\nExpect: 100-continue\n\n")
	if resp, err := http.ReadResponse(in, nil); err != nil || resp.StatusCode != 100 {
		t.Fatalf("a backend that never says it: got %v, %v", resp, err)
	}
	io.WriteString(c, "hello")
	resp, err := http.ReadResponse(in, nil)
	if err != nil || resp.StatusCode != 200 {
		t.Fatalf("got %v, %v", resp, err)
	}
}

// A kept connection that dies under a request, when its head and what there is
// of its body may have been read: what is idempotent is sent again, whole.
func TestBodyIsSentAgain(t *testing.T) {
	var met atomic.Int32
	b := visits(t, func(in *bufio.Reader, out net.Conn) {
		for n := 0; ; n++ {
			r, err := http.ReadRequest(in)
			if err != nil {
				return
			}
			if n > 0 && r.Method != http.MethodGet {
				met.Add(1)
				io.CopyN(io.Discard, r.Body, 3)
				return
			}
			body, _ := io.ReadAll(r.Body)
			fmt.Fprintf(out, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		}
	})
	w := newWorld(t, nil, service("web", b)...)
	for name, size := range map[string]int{"small": 5, "of several pieces": 60 << 10} {
		sent := strings.Repeat("body ", size/5)
		for _, body := range []io.Reader{strings.NewReader(sent), io.MultiReader(strings.NewReader(sent))} {
			w.do("GET", web+"/", nil) // leaves a connection
			before := met.Load()
			if resp, got := w.do("PUT", web+"/", body); resp.StatusCode != 200 || got != sent {
				t.Errorf("%s: got %s and %d bytes", name, resp.Status, len(got))
			}
			if met.Load() == before {
				t.Errorf("%s: it was not lost, so this tells nothing", name)
			}
		}
	}
	w.do("GET", web+"/", nil)
	before := met.Load()
	if resp, _ := w.do("POST", web+"/", strings.NewReader("body")); met.Load() > before+1 || met.Load() == before+1 && resp.StatusCode != 503 {
		t.Errorf("a POST that may have been done: got %s, sent %d times", resp.Status, met.Load()-before)
	}
}

// A backend that hangs up after each answer without a word of that: requests
// that may be repeated never see it.
func TestKeptConnectionThatDied(t *testing.T) {
	b := raw(t, func(c net.Conn, _ *http.Request) {
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
	})
	w := newWorld(t, nil, service("web", b)...)
	for i := range 50 {
		if resp, body := w.do("DELETE", web+"/", nil); resp.StatusCode != 200 {
			t.Fatalf("request %d: got %s %s", i, resp.Status, body)
		}
	}
}
