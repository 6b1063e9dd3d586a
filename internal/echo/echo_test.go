package echo

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gorilla/websocket"
)

// start runs a server for the test on free ports of this machine.
func start(t *testing.T, cfg Config) *Server {
	t.Helper()
	s, err := Listen(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return s
}

func startHTTP(t *testing.T) *Server {
	return start(t, Config{HTTP: "127.0.0.1:0", Pod: "echo-1", Namespace: "demo"})
}

// fetch sends one request and reads the whole answer, following no redirect.
func fetch(t *testing.T, method, url, body string, header ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(data)
}

func TestEchoShowsTheRequestAsItWasSent(t *testing.T) {
	s := startHTTP(t)
	conn, err := net.Dial("tcp", s.http.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	// A client library would tidy this path.
	_, err = io.WriteString(conn, "PROPFIND //a/../b%2Fc;x=1?q=%zz&y HTTP/1.1\r\nHost: web.example\r\nX-Two: 1\r\nX-Two: 2\r\nContent-Length: 3\r\n\r\nabc")
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var got Reply
	if err := json.NewDecoder(resp.Body).Decode(&got); err != nil {
		t.Fatal(err)
	}
	want := Reply{
		Method: "PROPFIND", Path: "//a/../b%2Fc;x=1", Query: "q=%zz&y", Protocol: "HTTP/1.1", Host: "web.example",
		Headers: http.Header{"X-Two": {"1", "2"}, "Content-Length": {"3"}},
		Body:    "abc", BodyBytes: 3, RemoteAddress: conn.LocalAddr().String(), Pod: "echo-1", Namespace: "demo",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("reply (-want +got):\n%s", diff)
	}
}

func TestEchoAnswersInTextWhenAsked(t *testing.T) {
	s := startHTTP(t)
	resp, body := fetch(t, "POST", s.URL()+"/x?y=1", "hello", "Accept", "text/plain")
	if got := resp.Header.Get("Content-Type"); got != "text/plain; charset=utf-8" {
		t.Errorf("Content-Type = %q", got)
	}
	for _, want := range []string{"POST /x?y=1 HTTP/1.1\n", "Accept: text/plain\n", "\n\nhello\n", "answered by pod echo-1 in namespace demo"} {
		if !strings.Contains(body, want) {
			t.Errorf("text lacks %q:\n%s", want, body)
		}
	}
}

func TestBytesThatAreNoTextComeBackInBase64(t *testing.T) {
	s := startHTTP(t)
	_, body := fetch(t, "PUT", s.URL(), "\xff\x00")
	var got Reply
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	if got.Body != "" || got.BodyBase64 != "/wA=" || got.BodyBytes != 2 {
		t.Errorf("body %q, base64 %q, %d bytes", got.Body, got.BodyBase64, got.BodyBytes)
	}
}

func TestALongBodyIsCountedWhole(t *testing.T) {
	s := startHTTP(t)
	_, body := fetch(t, "POST", s.URL(), strings.Repeat("x", bodyLimit+5))
	var got Reply
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Body) != bodyLimit || got.BodyBytes != bodyLimit+5 {
		t.Errorf("%d bytes shown, %d counted", len(got.Body), got.BodyBytes)
	}
}

func TestPages(t *testing.T) {
	s := startHTTP(t)
	for _, test := range []struct {
		path   string
		status int
		header string // "Name: value" that must be there
		body   string // text that must be in the body
	}{
		{"/status/418", 418, "Content-Type: application/json", `"path": "/status/418"`},
		{"/status/204", 204, "", ""},
		{"/status/abc", 400, "", "want a number"},
		{"/status/101", 400, "", "want a number"},
		{"/status/999", 400, "", "want a number"},
		{"/redirect?to=a/../b&code=307", 307, "Location: a/../b", ""},
		{"/redirect?code=200", 400, "", "300 to 399"},
		{"/headers", 200, "", `"User-Agent"`},
		{"/cookies/set?a=1&path=/p", 200, "Set-Cookie: a=1; Path=/p", ""},
		{"/slow?for=1ms", 200, "", `"/slow"`},
		{"/slow?for=long", 400, "", "invalid duration"},
		{"/stream?bytes=70000", 200, "Content-Type: application/octet-stream", "0123456789"},
		{"/stream?bytes=-1", 400, "", "0 or more"},
		{"/sse?count=2&every=1ms", 200, "Content-Type: text/event-stream", "id: 2\ndata: event 2 from pod echo-1\n\n"},
		{"/html", 200, "Content-Type: text/html; charset=utf-8", `<a href="/hello?from=page">`},
		{"/help", 200, "", "/trailers"},
	} {
		t.Run(test.path, func(t *testing.T) {
			resp, body := fetch(t, "GET", s.URL()+test.path, "")
			if resp.StatusCode != test.status {
				t.Errorf("status = %d, want %d", resp.StatusCode, test.status)
			}
			if name, want, ok := strings.Cut(test.header, ": "); ok && resp.Header.Get(name) != want {
				t.Errorf("%s = %q, want %q", name, resp.Header.Get(name), want)
			}
			if !strings.Contains(body, test.body) {
				t.Errorf("body lacks %q:\n%s", test.body, body)
			}
		})
	}
}

func TestStreamSendsTheNumberOfBytesAskedFor(t *testing.T) {
	s := startHTTP(t)
	resp, body := fetch(t, "GET", s.URL()+"/stream?bytes=100001", "")
	if len(body) != 100001 || resp.ContentLength != -1 {
		t.Errorf("%d bytes, announced %d; want 100001 of unknown length", len(body), resp.ContentLength)
	}
}

func TestDropBreaksOff(t *testing.T) {
	s := startHTTP(t)
	resp, err := http.Get(s.URL() + "/drop?after=10")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if len(body) != 10 || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%d bytes, error %v; want 10 and an unexpected end", len(body), err)
	}
}

func TestCookiesThatCameAreShown(t *testing.T) {
	s := startHTTP(t)
	_, body := fetch(t, "GET", s.URL()+"/cookies", "", "Cookie", "a=1; b=2")
	var got map[string]string
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"a": "1", "b": "2"}, got); diff != "" {
		t.Errorf("cookies (-want +got):\n%s", diff)
	}
}

func TestTrailersGoBothWays(t *testing.T) {
	s := startHTTP(t)
	r, err := http.NewRequest("POST", s.URL()+"/trailers", io.MultiReader(strings.NewReader("body")))
	if err != nil {
		t.Fatal(err)
	}
	r.Trailer = http.Header{"X-Sent": {"afterwards"}}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var got Reply
	if err := json.NewDecoder(resp.Body).Decode(&got); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, resp.Body); err != nil { // trailers follow the end
		t.Fatal(err)
	}
	if diff := cmp.Diff(http.Header{"X-Sent": {"afterwards"}}, got.Trailers); diff != "" {
		t.Errorf("trailers seen (-want +got):\n%s", diff)
	}
	want := http.Header{"X-Echo-Announced": {"yes"}, "X-Echo-Unannounced": {"yes"}}
	if diff := cmp.Diff(want, resp.Trailer); diff != "" {
		t.Errorf("trailers sent (-want +got):\n%s", diff)
	}
}

func TestAnInformationalStatusComesBeforeTheAnswer(t *testing.T) {
	s := startHTTP(t)
	var early []int
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(code int, _ textproto.MIMEHeader) error { early = append(early, code); return nil },
	})
	r, err := http.NewRequestWithContext(ctx, "GET", s.URL()+"/status/103", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if diff := cmp.Diff([]int{103}, early); diff != "" || resp.StatusCode != 200 {
		t.Errorf("informational (-want +got):\n%s\nstatus %d", diff, resp.StatusCode)
	}
}

func TestHTTP2WithAndWithoutTLS(t *testing.T) {
	for _, test := range []struct {
		name string
		tls  bool
	}{{"h2c", false}, {"h2", true}} {
		t.Run(test.name, func(t *testing.T) {
			s := start(t, Config{HTTP: "127.0.0.1:0", TLS: test.tls, Pod: "p"})
			p := new(http.Protocols)
			p.SetHTTP2(true)
			p.SetUnencryptedHTTP2(true)
			transport := &http.Transport{
				Protocols:       p,
				TLSClientConfig: &tls.Config{InsecureSkipVerify: true, ServerName: "echo.test"}, // made by itself
			}
			defer transport.CloseIdleConnections()
			resp, err := (&http.Client{Transport: transport}).Get(s.URL() + "/a//b")
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			var got Reply
			if err := json.NewDecoder(resp.Body).Decode(&got); err != nil {
				t.Fatal(err)
			}
			if got.Protocol != "HTTP/2.0" || got.Path != "/a//b" || (got.ServerName == "echo.test") != test.tls {
				t.Errorf("reply = %+v", got)
			}
		})
	}
}

func TestWebSocketSendsBackMessages(t *testing.T) {
	s := startHTTP(t)
	dialer := websocket.Dialer{Subprotocols: []string{"first", "second"}}
	c, resp, err := dialer.DialContext(t.Context(), "ws"+strings.TrimPrefix(s.URL(), "http")+"/ws?q=1", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got := resp.Header.Get("Sec-Websocket-Protocol"); got != "first" {
		t.Errorf("protocol = %q, want the first offered", got)
	}
	for kind, message := range map[int]string{websocket.TextMessage: "text", websocket.BinaryMessage: "\x00\xff"} {
		if err := c.WriteMessage(kind, []byte(message)); err != nil {
			t.Fatal(err)
		}
		gotKind, got, err := c.ReadMessage()
		if err != nil || gotKind != kind || string(got) != message {
			t.Errorf("got kind %d, %q, %v; want kind %d, %q", gotKind, got, err, kind, message)
		}
	}
}

func TestTCPEchoPassesOnTheEndOfTheStream(t *testing.T) {
	s := start(t, Config{TCP: "127.0.0.1:0"})
	c, err := net.Dial("tcp", s.TCPAddr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "over the causeway"); err != nil {
		t.Fatal(err)
	}
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(c); err != nil || string(got) != "over the causeway" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestUDPEchoAnswersTheSender(t *testing.T) {
	s := start(t, Config{UDP: "127.0.0.1:0"})
	c, err := net.Dial("udp", s.UDPAddr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	for _, message := range []string{"one", "", strings.Repeat("x", 9000)} {
		if _, err := io.WriteString(c, message); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 10000)
		n, err := c.Read(buf)
		if err != nil || string(buf[:n]) != message {
			t.Errorf("got %d bytes, %v; want %d", n, err, len(message))
		}
	}
}

func TestTheEndOfServeClosesOpenStreams(t *testing.T) {
	s, err := Listen(Config{HTTP: "127.0.0.1:0", TCP: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx) }()
	resp, err := http.Get(s.URL() + "/sse?count=0&every=1h")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	c, err := net.Dial("tcp", s.TCPAddr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()

	cancel()
	if err := <-done; err != nil {
		t.Errorf("Serve = %v, want none", err)
	}
	if _, err := io.ReadAll(c); err != nil && !errors.Is(err, net.ErrClosed) && !strings.Contains(err.Error(), "reset") {
		t.Errorf("TCP stream ended with %v", err)
	}
}

func TestListenSaysWhatIsTaken(t *testing.T) {
	s := startHTTP(t)
	_, err := Listen(Config{TCP: "127.0.0.1:0", HTTP: s.http.Addr().String()})
	if err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("error = %v, want address already in use", err)
	}
	if _, err := Listen(Config{}); err == nil {
		t.Error("a server without listeners was accepted")
	}
}
