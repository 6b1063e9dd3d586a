package accesstest

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/causeway-access/causeway/internal/gateway"
)

// advisories are what has gone wrong in others: each test fails if it came
// back. Many rows above hold the engine to the same; these name the advisory.
func advisories(t *testing.T, start Engine) {
	t.Run("CVE-2018-1002105: raw bytes behind a refused upgrade", func(t *testing.T) { joinedWithout101(t, start) })
	t.Run("CVE-2020-8555, CVE-2020-8562: an address is checked, and that one dialled", func(t *testing.T) { renamed(t, start) })
	t.Run("CVE-2020-8559: an upgrade that is answered by a redirect", func(t *testing.T) { redirectedUpgrade(t, start) })
	t.Run("CVE-2022-3172: a backend's redirect is not followed, nor are credentials sent on", func(t *testing.T) { redirected(t, start) })
	t.Run("CVE-2022-3294: the address of a node is checked on every branch", func(t *testing.T) { everyBranch(t, start) })
	t.Run("CVE-2020-15106-like: what a backend says of its lengths is not believed", func(t *testing.T) { lengths(t, start) })
	t.Run("CVE-2024-1135-like, CVE-2025-22871: chunks of one reading", func(t *testing.T) { chunkReadings(t, start) })
}

// joinedWithout101: a wish that the backend refuses, and behind it a request
// that the gateway has never authorised.
func joinedWithout101(t *testing.T, start Engine) {
	w := newWorld(t, start, nil)
	for _, answer := range []string{"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"} {
		w.refusal(t, map[bool]int{true: 400, false: 502}[strings.Contains(answer, "400")], answer, nil)
	}
}

// renamed: a name that meant an allowed address and means another a moment
// later. The dialler must be given an address and no name.
func renamed(t *testing.T, start Engine) {
	var names log[string]
	w := newWorld(t, start, func(c *gateway.Config) {
		c.Dial = func(_ context.Context, _, address string) (net.Conn, error) {
			if host, _, err := net.SplitHostPort(address); err != nil || net.ParseIP(host) == nil {
				names.add(address)
			}
			return nil, errors.New("this test dials nothing")
		}
	}, node("n", 0, corev1.NodeAddress{Type: corev1.NodeHostName, Address: "localhost"}))
	w.client(http1).get(t, proxied("nodes", "n:8080")+"/")
	if all := names.take(); len(all) > 0 {
		t.Errorf("%q was to be looked up once more", all)
	}
}

func redirectedUpgrade(t *testing.T, start Engine) {
	other := newScript(t)
	w := newWorld(t, start, nil)
	answer := "HTTP/1.1 302 Found\r\nLocation: http://" + other.addr.String() + "/exec\r\nContent-Length: 0\r\n\r\n"
	w.refusal(t, http.StatusBadGateway, answer, func(t *testing.T, resp *http.Response) {
		if resp.Header.Get("Location") != "" {
			t.Errorf("the client is led to %q", resp.Header.Get("Location"))
		}
	})
	if other.conns.Load() > 0 {
		t.Error("the redirect was followed")
	}
}

func redirected(t *testing.T, start Engine) {
	other := newScript(t)
	w := newWorld(t, start, nil)
	c := w.client(http1)
	for _, code := range []string{"301", "302", "303", "307", "308"} {
		target := w.script.says("HTTP/1.1 " + code + " X\r\nLocation: http://" + other.addr.String() + "/steal\r\nContent-Length: 0\r\n\r\n")
		if got := c.get(t, target); got.code/100 != 3 {
			t.Errorf("%s: got %d %q", code, got.code, got.body)
		}
	}
	if other.conns.Load() > 0 {
		t.Error("a redirect was followed")
	}
}

func everyBranch(t *testing.T, start Engine) {
	metadata := corev1.NodeAddress{Type: corev1.NodeInternalIP, Address: "169.254.169.254"}
	var dialled log[string]
	w := newWorld(t, start, func(c *gateway.Config) {
		c.Dial = func(_ context.Context, _, address string) (net.Conn, error) {
			dialled.add(address)
			return nil, errors.New("this test dials nothing")
		}
	}, node("default", 0, metadata), node("custom", 80, metadata))
	c := w.client(http1)
	for _, segment := range []string{"default", "default:10250", "default:80", "http:default:80", "https:default:443", "custom", "custom:80", "https:custom:80"} {
		for _, headers := range [][]string{nil, {"Connection", "Upgrade", "Upgrade", "websocket"}} {
			c.get(t, proxied("nodes", segment)+"/latest/meta-data", headers...).status(t, 400, "address not allowed")
		}
	}
	if all := dialled.take(); len(all) > 0 {
		t.Errorf("%q was dialled", all)
	}
}

// lengths: lengths that would have memory taken for them, or wrap around.
func lengths(t *testing.T, start Engine) {
	w := newWorld(t, start, nil)
	for _, length := range []string{"9223372036854775807", "9223372036854775808", "18446744073709551616", "-9223372036854775808", "0x7fffffff"} {
		out := w.send(t, head("GET", w.script.ends("HTTP/1.1 200 OK\r\nContent-Length: "+length+"\r\n\r\nhello"))+w.done())
		if got := codes(out); slices.Contains(got, 204) && got[0] == 200 {
			t.Errorf("length %s: a body that never ended was taken for whole: %q", length, out)
		}
	}
	for _, size := range []string{"7fffffffffffffff", "ffffffffffffffff", "-1", "00000000000000000005", "5 5"} {
		out := w.send(t, head("GET", w.script.ends("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"+size+"\r\nhello"))+w.done())
		if got := codes(out); slices.Contains(got, 204) && got[0] == 200 {
			t.Errorf("size %s: a body that never ended was taken for whole: %q", size, out)
		}
	}
}

// chunkReadings: framings that one reader takes for an end and another for data.
func chunkReadings(t *testing.T, start Engine) {
	w := newWorld(t, start, nil)
	for _, body := range []string{"0\n\n", "0;\n\r\n", "5\rhello\r\n0\r\n\r\n", "5 \r\nhello\r\n0\r\n\r\n", "05\r\nhello\r\n0\r\n\r\n", "5\r\nhello\n0\r\n\r\n"} {
		w.script.heads.take()
		c := w.dial(t, "http/1.1")
		_, err := io.WriteString(c, head("POST", web+"/echo", "Transfer-Encoding: chunked")+body+last("GET", web+"/after"))
		must(t, err)
		must(t, c.CloseWrite())
		read(t, c)
		for _, h := range w.script.heads.take() {
			if !strings.HasPrefix(h, "POST /echo ") && !strings.HasPrefix(h, "GET /after ") {
				t.Errorf("%q: the backend got %q", body, h)
			}
		}
	}
}
