package xconnect_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/websocket"
)

func TestEchoBothWays(t *testing.T) {
	s := open(t, serve(t, echo(t)))
	status(t, s, http.StatusOK)
	for i := range 200 {
		want := fmt.Sprint("message ", i)
		if _, err := io.WriteString(s, want); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(want))
		if _, err := io.ReadFull(s, got); err != nil || string(got) != want {
			t.Fatalf("got %q, %v", got, err)
		}
	}
	if err := s.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(s); err != nil || len(rest) > 0 {
		t.Errorf("after the end: %q, %v", rest, err)
	}
}

// More than all windows together hold, both ways at once, on several streams.
func TestMuchBothWays(t *testing.T) {
	c := serve(t, echo(t))
	var wg sync.WaitGroup
	for range 4 {
		s := open(t, c)
		status(t, s, http.StatusOK)
		sent := make([]byte, 2<<20)
		_, _ = rand.Read(sent)
		wg.Go(func() {
			if _, err := s.Write(sent); err != nil {
				t.Error(err)
			}
			_ = s.CloseWrite()
		})
		wg.Go(func() {
			if got, err := io.ReadAll(s); err != nil || !bytes.Equal(got, sent) {
				t.Errorf("got %d bytes, %v, want the %d that were sent", len(got), err, len(sent))
			}
		})
	}
	wg.Wait()
}

// A library's own WebSocket server.
func TestRealWebSocket(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		websocket.Server{Handler: func(ws *websocket.Conn) {
			var text string
			for websocket.Message.Receive(ws, &text) == nil {
				_ = websocket.Message.Send(ws, strings.ToUpper(text))
			}
		}}.ServeHTTP(w, r)
	})
	s := open(t, c)
	status(t, s, http.StatusOK)
	for _, text := range []string{"ping", "pong"} {
		frame := []byte{0x81, 0x80 | byte(len(text)), 0, 0, 0, 0} // masked with zeros
		if _, err := s.Write(append(frame, text...)); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 2+len(text))
		if _, err := io.ReadFull(s, got); err != nil || string(got) != "\x81\x04"+strings.ToUpper(text) {
			t.Fatalf("got %q, %v", got, err)
		}
	}
	_, _ = s.Write([]byte{0x88, 0x82, 0, 0, 0, 0, 3, 232}) // close
	if err := s.Wait(); err != nil {
		t.Errorf("the stream did not end well: %v", err)
	}
}

// Bytes behind the head, a head in pieces, and headers of the answer.
func TestHeadInPieces(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		c, _ := hijack(t, w)
		defer c.Close()
		var head bytes.Buffer
		head.WriteString("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
		switching(&head, r, "Sec-WebSocket-Protocol: v5\r\nSet-Cookie: a=b\r\nContent-Length: 7\r\nKeep-Alive: 5\r\n")
		head.WriteString("first")
		for _, b := range head.Bytes() {
			_, _ = c.Write([]byte{b})
		}
	})
	s := open(t, c)
	h := status(t, s, http.StatusOK)
	if h.Get("Sec-WebSocket-Protocol") != "v5" || h.Get("Set-Cookie") != "a=b" || h.Get("Content-Length") != "" {
		t.Errorf("header %v", h)
	}
	if got, err := io.ReadAll(s); err != nil || string(got) != "first" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestSwitchingByWriteHeader(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Connection", "Upgrade")
		h.Set("Upgrade", "WebSocket")
		h.Set("Sec-WebSocket-Accept", proof(r))
		h.Set("X-A", "1")
		w.WriteHeader(http.StatusSwitchingProtocols)
		c, _ := hijack(t, w)
		defer c.Close()
		_, _ = io.WriteString(c, "hello")
	})
	s := open(t, c)
	if h := status(t, s, http.StatusOK); h.Get("X-A") != "1" {
		t.Errorf("header %v", h)
	}
	if got, err := io.ReadAll(s); err != nil || string(got) != "hello" {
		t.Errorf("got %q, %v", got, err)
	}
}

// Answers that are no 101, by the ResponseWriter and on the connection.
func TestRefusalsPass(t *testing.T) {
	raw := func(answer string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			c, rw := hijack(t, w)
			defer c.Close()
			_, _ = rw.WriteString(answer)
			_ = rw.Flush()
		}
	}
	for _, tt := range []struct {
		name    string
		handler http.HandlerFunc
		want    int
		body    string
	}{
		{"403", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusForbidden) }, 403, "no\n"},
		{"404", http.NotFound, 404, "404 page not found\n"},
		{"a redirect", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/y", http.StatusFound) }, 302, "<a href=\"/y\">Found</a>.\n\n"},
		{"a page is no success", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "page") }, 501, "page"},
		{"nothing is no success", func(http.ResponseWriter, *http.Request) {}, 501, ""},
		{"raw, by length", raw("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno behind"), 403, "no"},
		{"raw, in chunks", raw("HTTP/1.1 400 Bad\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n"), 400, "no"},
		{"raw, to the end", raw("HTTP/1.1 503 Busy\r\nRetry-After: 1\r\n\r\nno"), 503, "no"},
		{"raw, a page is no success", raw("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npage"), 501, "page"},
		{"101 without its proof", raw("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nraw"), 502, "the backend's answer to the WebSocket's handshake is none\n"},
		{"101 to another protocol", raw("HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\nraw"), 502, "the backend's answer to the WebSocket's handshake is none\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := serve(t, tt.handler)
			s := open(t, c)
			status(t, s, tt.want)
			if got, err := io.ReadAll(s); err != nil || string(got) != tt.body {
				t.Errorf("got %q, %v, want %q", got, err, tt.body)
			}
			if c.GoneAway() {
				t.Error("the browser's connection was ended with it")
			}
		})
	}
}

// Connections of unknown callers are not kept (CVE-2023-44487).
func TestUnauthorizedEndsTheConnection(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "who?", http.StatusUnauthorized) })
	s := open(t, c)
	status(t, s, http.StatusUnauthorized)
	_, _ = io.ReadAll(s)
	for deadline := time.Now().Add(time.Minute); !c.GoneAway(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the connection is kept")
		}
	}
}

// Ends that are no answer break the stream off, since a plain end is a 200.
func TestWhatIsNoAnswerIsBrokenOff(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"hijacked and closed": func(w http.ResponseWriter, _ *http.Request) { c, _ := hijack(t, w); c.Close() },
		"no HTTP": func(w http.ResponseWriter, _ *http.Request) {
			c, _ := hijack(t, w)
			_, _ = io.WriteString(c, "SSH-2.0\r\n\r\n")
			c.Close()
		},
		"half a head": func(w http.ResponseWriter, _ *http.Request) {
			c, _ := hijack(t, w)
			_, _ = io.WriteString(c, "HTTP/1.1 101 S")
			c.Close()
		},
		"a refusal that is short": func(w http.ResponseWriter, _ *http.Request) {
			c, _ := hijack(t, w)
			_, _ = io.WriteString(c, "HTTP/1.1 403 F\r\nContent-Length: 9\r\n\r\nno")
			c.Close()
		},
		"a head without an end": func(w http.ResponseWriter, _ *http.Request) {
			c, _ := hijack(t, w)
			defer c.Close()
			for _, err := io.WriteString(c, "HTTP/1.1 101 S\r\n"); err == nil; {
				_, err = io.WriteString(c, "X-A: "+strings.Repeat("a", 8000)+"\r\n")
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := serve(t, handler)
			if err := open(t, c).Wait(); err == nil {
				t.Error("the stream ended as if it had been answered")
			}
		})
	}
}

// A story: the client resets the stream, and the handler's connection ends.
func TestResetEndsTheConnection(t *testing.T) {
	ended := make(chan error, 2)
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		c, _ := hijack(t, w)
		switching(c, r, "")
		_, err := c.Read(make([]byte, 1))
		ended <- err
		for err = nil; err == nil; {
			_, err = io.WriteString(c, "still there?")
		}
		ended <- err
		c.Close()
	})
	s := open(t, c)
	status(t, s, http.StatusOK)
	if err := s.Reset(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := <-ended; err == nil || errors.Is(err, io.EOF) {
			t.Errorf("got %v", err)
		}
	}
}

// Close ends reads and writes that wait, and what comes after it fails.
func TestCloseEndsWhatWaits(t *testing.T) {
	results := make(chan error, 3)
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		c, _ := hijack(t, w)
		switching(c, r, "")
		go func() { _, err := c.Read(make([]byte, 1)); results <- err }()
		full := make(chan struct{})
		go func() {
			_, _ = c.Write(make([]byte, 65535-4096)) // the client reads nothing
			close(full)
			_, err := c.Write(make([]byte, 1<<20))
			results <- err
		}()
		<-full
		c.Close()
		_, err := c.Write([]byte("x"))
		results <- err
		if err := c.SetDeadline(time.Time{}); err != nil && !errors.Is(err, net.ErrClosed) {
			t.Errorf("SetDeadline: %v", err)
		}
	})
	s := open(t, c)
	status(t, s, http.StatusOK)
	for range 3 {
		if err := <-results; err == nil {
			t.Error("something went on after Close")
		}
	}
	_ = s.Wait() // an end or a reset: it was broken off while it was written
}

func TestDeadlines(t *testing.T) {
	got := make(chan error, 2)
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		c, _ := hijack(t, w)
		defer c.Close()
		switching(c, r, "")
		if err := c.SetReadDeadline(time.Now().Add(time.Millisecond)); err != nil {
			t.Error(err)
		}
		_, err := c.Read(make([]byte, 1))
		got <- err
		_, err = io.WriteString(c, "writes go on")
		got <- err
	})
	s := open(t, c)
	status(t, s, http.StatusOK)
	if err := <-got; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the read ended with %v", err)
	}
	if err := <-got; err != nil {
		t.Errorf("the write ended with %v", err)
	}
	if text, err := io.ReadAll(s); err != nil || string(text) != "writes go on" {
		t.Errorf("got %q, %v", text, err)
	}
}

// A handler may give the connection away and return.
func TestConnectionOutlivesTheHandler(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		c, _ := hijack(t, w)
		switching(c, r, "")
		go func() {
			_, _ = io.Copy(c, c)
			c.Close()
		}()
	})
	s := open(t, c)
	status(t, s, http.StatusOK)
	_, _ = io.WriteString(s, "hello")
	_ = s.CloseWrite()
	if got, err := io.ReadAll(s); err != nil || string(got) != "hello" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestAddresses(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		c, _ := hijack(t, w)
		defer c.Close()
		if c.RemoteAddr().String() != r.RemoteAddr || c.LocalAddr().(*net.TCPAddr).Port == 0 {
			t.Errorf("from %v to %v", c.RemoteAddr(), c.LocalAddr())
		}
		switching(c, r, "")
	})
	status(t, open(t, c), http.StatusOK)
}
