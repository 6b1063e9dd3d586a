package gateway_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"k8s.io/apiserver/pkg/authentication/authenticator"

	"github.com/causeway-access/causeway/internal/gateway"
)

// connect opens a connection to the gateway and sends bytes on it.
func (w *world) connect(send string) (net.Conn, *bufio.Reader) {
	w.t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(w.URL, "http://"))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { c.Close() })
	io.WriteString(c, strings.ReplaceAll(send, "\n", "\r\n"))
	return c, bufio.NewReader(c)
}

const upgrade = "GET " + web + "/ws?x=%20 HTTP/1.1\nHost: h\nAuthorization: Bearer alice-token\nConnection: keep-alive, Upgrade\nUpgrade: echo\n\n"

func TestPanicIsAnsweredOnce(t *testing.T) {
	w := newWorld(t, func(c *gateway.Config) {
		c.Authenticator = authenticator.RequestFunc(func(*http.Request) (*authenticator.Response, bool, error) { panic("secret") })
	})
	resp, body := w.do("GET", web+"/", nil)
	if resp.StatusCode != 500 || !resp.Close || !strings.Contains(body, "panic") || strings.Contains(body, "secret") {
		t.Errorf("got %s (closed %t) %s", resp.Status, resp.Close, body)
	}
}
