package accesstest

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// bodies holds the engine to the lines on bodies of section 2, with a backend
// in HTTP/1.1 and one in HTTP/2 without TLS as gRPC has it.
func bodies(t *testing.T, start Engine) {
	objects := service("default", "http1", handled(t, conversation))
	objects = append(objects, changed(func(s *corev1.Service) { s.Spec.Ports[0].AppProtocol = ptr("kubernetes.io/h2c") }, "h2c", newH2C(t, conversation))...)
	objects = append(objects, service("default", "events", handled(t, events))...)
	objects = append(objects, service("default", "boundless", handled(t, boundless))...)
	w := newWorld(t, start, nil, objects...)
	var rows []row
	for _, backend := range []string{"http1", "h2c"} {
		rows = append(rows,
			row{section: "2", words: "bodies stream both ways, to " + backend, test: func(t *testing.T, c *client) { converse(t, c, backend) }},
			row{section: "2", words: "a large body comes whole, both ways, to " + backend, test: func(t *testing.T, c *client) { large(t, c, backend) }},
			row{section: "2", words: "a gRPC-like error, trailers alone, to " + backend, test: func(t *testing.T, c *client) {
				got := c.do(t, "POST", proxied("services", backend)+"/fail", strings.NewReader("x"), "Te", "trailers")
				if got.code != 200 || got.header.Get("Grpc-Status") != "5" || got.body != "" || len(got.trailer) > 0 {
					t.Errorf("got %d with %v and %v", got.code, got.header, got.trailer)
				}
			}})
	}
	w.run(t, append(rows,
		row{section: "2", words: "large bodies both ways in constant memory", test: func(t *testing.T, c *client) { constant(t, c, "boundless") }},
		row{section: "2", words: "a compressed body goes through as it is", test: compressed},
		row{section: "2", words: "flush at once for unknown length", test: func(t *testing.T, c *client) { flushed(t, c, "/unknown") }},
		row{section: "2", words: "flush at once for event streams", test: func(t *testing.T, c *client) { flushed(t, c, "/events") }},
		row{section: "2", words: "1xx (103) pass", test: func(t *testing.T, c *client) {
			got := c.get(t, c.script.says("HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </b.css>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))
			if fmt.Sprint(got.interim) != "[103 </a.css> 103 </b.css>]" || got.code != 200 || got.body != "ok" || got.header.Get("Link") != "" {
				t.Errorf("got %v, then %d %q with %v", got.interim, got.code, got.body, got.header)
			}
		}},
		row{section: "2", words: "100-continue: a backend that wants the body", test: wanted},
		row{section: "2", words: "100-continue: a backend that never says so", test: silent},
		row{section: "2", words: "100-continue: a backend that refuses", test: unwanted},
	))
}

// conversation is a backend that answers each piece of the body as it comes,
// then tells the number of bytes and the client's trailer in its own.
func conversation(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/fail" { // gRPC's "trailers only": a head and no more
		w.Header().Set("Grpc-Status", "5")
		return
	}
	w.Header().Set("Trailer", "X-Sum, Grpc-Status")
	control := http.NewResponseController(w)
	_ = control.EnableFullDuplex() // a server of HTTP/2 always is
	n, buf := 0, make([]byte, 32<<10)
	for {
		k, err := r.Body.Read(buf)
		n += k
		_, _ = w.Write(buf[:k])
		_ = control.Flush()
		if err != nil {
			break
		}
	}
	w.Header().Set("X-Sum", fmt.Sprint(n, " ", r.Trailer.Get("X-Req")))
	w.Header().Set("Grpc-Status", "0")
	w.Header().Set(http.TrailerPrefix+"X-Late", "yes")
}

// converse sends a piece, reads it back while the request is open, then ends
// it with a trailer.
func converse(t *testing.T, c *client, backend string) {
	from, to := io.Pipe()
	a := &answer{}
	r := c.request(t, a, "POST", proxied("services", backend)+"/", from, "Te", "trailers")
	r.Trailer = http.Header{"X-Req": nil}
	go func() { _, _ = io.WriteString(to, "ping") }()
	resp, err := c.http.RoundTrip(r)
	must(t, err)
	defer resp.Body.Close()
	buf := make([]byte, 4)
	if _, err := io.ReadFull(resp.Body, buf); err != nil || string(buf) != "ping" {
		t.Fatalf("while the request is open: got %q, %v", buf, err)
	}
	r.Trailer.Set("X-Req", "!")
	_, err = io.WriteString(to, "pong")
	must(t, err)
	must(t, to.Close())
	rest, err := io.ReadAll(resp.Body)
	if err != nil || string(rest) != "pong" {
		t.Fatalf("got %q, %v", rest, err)
	}
	if got := resp.Trailer; got.Get("X-Sum") != "8 !" || got.Get("X-Late") != "yes" || got.Get("Grpc-Status") != "0" {
		t.Errorf("trailers: %v", got)
	}
}

// large sends more than fits into all buffers and windows together.
func large(t *testing.T, c *client, backend string) {
	sent, got := sha256.New(), sha256.New()
	body := io.TeeReader(io.LimitReader(rand.Reader, 8<<20), sent)
	resp := c.open(t, &answer{}, "POST", proxied("services", backend)+"/", body)
	defer resp.Body.Close()
	if n, err := io.Copy(got, resp.Body); n != 8<<20 || err != nil {
		t.Fatalf("got %d bytes, %v", n, err)
	}
	if !bytes.Equal(sent.Sum(nil), got.Sum(nil)) {
		t.Error("what came back is not what was sent")
	}
}

func compressed(t *testing.T, c *client) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write(bytes.Repeat([]byte("data "), 100))
	must(t, z.Close())
	for _, coding := range []string{"gzip", "x-unheard-of"} {
		target := c.script.says(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: %s\r\nContent-Length: %d\r\n\r\n%s", coding, packed.Len(), packed.String()))
		got := c.get(t, target, "Accept-Encoding", "gzip")
		if got.body != packed.String() || got.header.Get("Content-Encoding") != coding {
			t.Errorf("%s: got %d bytes in %q, want %d", coding, len(got.body), got.header.Get("Content-Encoding"), packed.Len())
		}
	}
}

// events is a backend that sends a piece for each byte of the request.
func events(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/events" {
		w.Header().Set("Content-Type", "text/event-stream")
	}
	control := http.NewResponseController(w)
	_ = control.EnableFullDuplex()
	for i := range 3 {
		fmt.Fprintf(w, "data: %d\n\n", i)
		_ = control.Flush()
		if i == 2 {
			return
		}
		if _, err := io.ReadFull(r.Body, make([]byte, 1)); err != nil {
			return
		}
	}
}

// flushed has each piece wait for a byte that the client sends when it has the
// one before.
func flushed(t *testing.T, c *client, path string) {
	from, to := io.Pipe()
	defer to.Close()
	resp := c.open(t, &answer{}, "POST", proxied("services", "events")+path, from)
	defer resp.Body.Close()
	buf := make([]byte, len("data: 0\n\n"))
	for i := range 3 {
		if _, err := io.ReadFull(resp.Body, buf); err != nil || string(buf) != fmt.Sprintf("data: %d\n\n", i) {
			t.Fatalf("piece %d: got %q, %v", i, buf, err)
		}
		if i < 2 {
			_, err := io.WriteString(to, ".")
			must(t, err)
		}
	}
}

// expect sends a request with Expect: 100-continue. The client waits for it.
func expect(t *testing.T, c *client, target string) *answer {
	t.Helper()
	c.http.ExpectContinueTimeout = patience
	return c.do(t, "POST", target, strings.NewReader("hello"), "Expect", "100-continue")
}

func wanted(t *testing.T, c *client) {
	target := c.script.does(func(t *turn) {
		t.write("HTTP/1.1 100 Continue\r\n\r\n")
		body := t.body()
		t.write(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body))
	})
	if got := expect(t, c, target); got.code != 200 || !strings.Contains(got.body, "hello") || fmt.Sprint(got.interim) != "[100 ]" {
		t.Errorf("got %v, then %d %q", got.interim, got.code, got.body)
	}
}

func silent(t *testing.T, c *client) {
	if got := expect(t, c, web+"/"); got.code != 200 || !strings.Contains(got.body, "hello") {
		t.Errorf("got %d %q", got.code, got.body)
	}
}

func unwanted(t *testing.T, c *client) {
	target := c.script.does(func(t *turn) {
		t.write("HTTP/1.1 417 Expectation Failed\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
		t.over = true
	})
	// On a machine that is very busy the engine may take a refusal that comes
	// late for the silence of a backend that does not know the header.
	for range 20 {
		got := expect(t, c, target)
		if got.code != http.StatusExpectationFailed || got.body != "no" {
			t.Fatalf("got %d %q", got.code, got.body)
		}
		// Go's server of HTTP/2 keeps the header to itself, and asks for the body
		// as soon as somebody reads it: nobody can wait for the backend there.
		if len(got.interim) == 0 || c.protocol == http2 {
			return
		}
	}
	t.Error("the body was asked for each time, before the backend refused it")
}
