package walkthrough

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Clients who take too much are stopped, one after another; somebody else is
// served all the while.
func TestClientsWhoTakeTooMuchAreStopped(t *testing.T) {
	t.Parallel()
	up := start(t, newHome(t).up("--allow-endpoint-cidr", "127.0.0.0/8", "--read-header-timeout", "2s", "--max-header-bytes", "8192",
		"--max-connections-per-client", "64", "--proxy-max-inflight-per-user", "3", "--proxy-max-upgrades-per-user", "1"))
	held, release := make(chan struct{}, 10), make(chan struct{})
	path := up.pod(t, "web", func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/ws":
			upgradeEcho(t, w)
		case "/hold":
			held <- struct{}{}
			<-release
		}
	})
	for _, step := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"a head that is sent drop by drop", func(t *testing.T) { up.slowloris(t) }},
		{"a handshake that does not begin", func(t *testing.T) { up.silence(t) }},
		{"a head that is too long", func(t *testing.T) {
			if status, _ := up.get(t, path, "X-Long", strings.Repeat("x", 16<<10)); status != http.StatusRequestHeaderFieldsTooLarge {
				t.Errorf("got %d, want 431", status)
			}
		}},
		{"too many requests of a user", func(t *testing.T) { up.crowd(t, path, held, release) }},
		{"too many upgrades of a user", func(t *testing.T) { up.upgradeTwice(t, path) }},
		{"rapid resets", func(t *testing.T) { up.rapidReset(t, path) }},
		{"too many connections", func(t *testing.T) { up.connectTooOften(t) }},
	} {
		t.Run(step.name, step.run)
		eventuallyTrue(t, "others are served", func() bool {
			status, _ := up.get(t, path)
			return status == http.StatusOK
		})
	}
}

// slowloris sends a head drop by drop and wants to be cut off.
func (r *running) slowloris(t *testing.T) {
	c, err := r.dial(t)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		io.Copy(io.Discard, c)
	}()
	drops := time.NewTicker(pause)
	defer drops.Stop()
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
	for deadline := time.After(patience); ; {
		select {
		case <-ended:
			return
		case <-drops.C:
			io.WriteString(c, "x")
		case <-deadline:
			t.Fatal("the connection is still open")
		}
	}
}

// silence connects and does not even begin the handshake.
func (r *running) silence(t *testing.T) {
	c, err := net.Dial("tcp", r.address())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetReadDeadline(time.Now().Add(patience))
	var timeout net.Error
	if _, err := c.Read(make([]byte, 1)); errors.As(err, &timeout) && timeout.Timeout() {
		t.Error("the connection is still open")
	}
}

// crowd has as many requests under way as it may, and one more.
func (r *running) crowd(t *testing.T, path string, held <-chan struct{}, release chan struct{}) {
	answers := make(chan int, 3)
	for range 3 {
		go func() {
			status, _ := r.get(t, path+"hold")
			answers <- status
		}()
	}
	for range 3 {
		<-held
	}
	request, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, r.URL+path, nil)
	request.Header.Set("Authorization", "Bearer "+r.token(t))
	client := http.Client{Transport: &http.Transport{TLSClientConfig: r.tls(t), DisableKeepAlives: true}}
	resp, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var status metav1.Status
	if err := json.NewDecoder(resp.Body).Decode(&status); err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") != "1" || status.Reason != metav1.StatusReasonTooManyRequests {
		t.Errorf("the fourth request got %s, Retry-After %q, %+v", resp.Status, resp.Header.Get("Retry-After"), status)
	}
	if got, _ := r.get(t, "/api/v1/namespaces/default/pods"); got != http.StatusOK {
		t.Errorf("the same user's request to the API got %d", got)
	}
	close(release)
	for range 3 {
		if got := <-answers; got != http.StatusOK {
			t.Errorf("a request under way got %d", got)
		}
	}
}

func (r *running) upgradeTwice(t *testing.T, path string) {
	first := r.upgrade(t, path+"ws")
	defer first.Close()
	c, err := r.dial(t)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(c, r.head(t, path+"ws", "Connection: Upgrade", "Upgrade: websocket"))
	if resp, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil || resp.StatusCode != http.StatusTooManyRequests {
		t.Errorf("the second upgrade got %v, %v", resp, err)
	}
	if err := first.echo("still there"); err != nil {
		t.Error(err)
	}
}

// rapidReset sends requests and takes each back at once (CVE-2023-44487).
func (r *running) rapidReset(t *testing.T, path string) {
	config := r.tls(t)
	config.NextProtos = []string{http2.NextProtoTLS}
	c, err := tls.Dial("tcp", r.address(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	in := bufio.NewReader(c)
	go io.Copy(io.Discard, in)
	io.WriteString(c, http2.ClientPreface)
	out := http2.NewFramer(c, nil)
	if err := out.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	begun := time.Now()
	for stream := uint32(1); ; stream += 2 {
		block.Reset()
		for _, f := range [][2]string{{":method", "GET"}, {":scheme", "https"}, {":authority", "localhost"}, {":path", path}, {"authorization", "Bearer " + r.token(t)}} {
			encoder.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]})
		}
		err := out.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: block.Bytes(), EndHeaders: true, EndStream: true})
		if err == nil {
			err = out.WriteRSTStream(stream, http2.ErrCodeCancel)
		}
		if err != nil {
			if time.Since(begun) >= patience {
				t.Errorf("the connection was not ended in %v and %d requests", patience, stream/2)
			}
			t.Logf("the connection was ended after %d requests", stream/2)
			return
		}
	}
}

// connectTooOften opens connections until one is refused.
func (r *running) connectTooOften(t *testing.T) {
	elsewhere := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
	var open []net.Conn
	defer func() {
		for _, c := range open {
			c.Close()
		}
	}()
	for range 64 {
		c, err := tls.Dial("tcp", r.address(), r.tls(t))
		if err != nil {
			break
		}
		open = append(open, c)
		// One that has asked nothing would be ended while others are opened.
		if err := asksReadiness(c); err != nil {
			t.Fatal(err)
		}
	}
	if len(open) == 64 || len(open) < 32 {
		t.Errorf("%d further connections were accepted, want a few less than 64", len(open))
	}
	c, err := (&tls.Dialer{NetDialer: &elsewhere, Config: r.tls(t)}).DialContext(t.Context(), "tcp", r.address())
	if err != nil {
		t.Fatalf("somebody else: %v", err)
	}
	defer c.Close()
	if err := asksReadiness(c); err != nil {
		t.Errorf("somebody else: %v", err)
	}
}

// asksReadiness asks whether the server is ready, on a connection that stays
// open.
func asksReadiness(c net.Conn) error {
	if _, err := io.WriteString(c, "GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		return err
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("/readyz: %s", resp.Status)
	}
	return nil
}
