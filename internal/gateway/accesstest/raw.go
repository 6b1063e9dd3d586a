package accesstest

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// patience bounds the wait for bytes that must come. Nothing waits for it
// unless the engine is at fault.
const patience = time.Minute

// dial opens a TLS session that speaks one protocol.
func (w *world) dial(t *testing.T, alpn string) *tls.Conn {
	t.Helper()
	c, err := tls.Dial("tcp", w.addr.String(), &tls.Config{RootCAs: w.roots(), NextProtos: []string{alpn}})
	must(t, err)
	t.Cleanup(func() { c.Close() })
	must(t, c.SetDeadline(time.Now().Add(patience)))
	return c
}

// send writes the parts, each as a TLS record of its own, and returns all that
// comes until the engine closes the connection.
func (w *world) send(t *testing.T, parts ...string) string {
	t.Helper()
	c := w.dial(t, "http/1.1")
	for _, p := range parts {
		if _, err := io.WriteString(c, p); err != nil {
			break // the engine has had enough; its answer is to be read
		}
	}
	return read(t, c)
}

// read returns all that comes until the engine closes the connection.
func read(t *testing.T, c net.Conn) string {
	t.Helper()
	out, err := io.ReadAll(c)
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		t.Fatalf("the connection was neither answered nor closed; so far came %q", out)
	}
	return string(out)
}

// head writes a request's head: method and path (the query included), then
// header lines. It bears alice's token and a Host.
func head(method, target string, lines ...string) string {
	return bare(method+" "+target+" HTTP/1.1", append([]string{"Host: gateway", "Authorization: Bearer alice-token"}, lines...)...)
}

// last is head for the last request of a connection.
func last(method, target string, lines ...string) string {
	return head(method, target, append(lines, "Connection: close")...)
}

// bare writes a head of which nothing is filled in.
func bare(line string, lines ...string) string {
	return line + "\r\n" + strings.Join(append(lines, "", ""), "\r\n")
}

var statusLine = regexp.MustCompile(`HTTP/1\.[01] (\d\d\d)`)

// codes returns the status codes in what came, those of interim answers too.
// What is echoed has its version at the end of a line and is not found.
func codes(out string) []int {
	var all []int
	for _, m := range statusLine.FindAllStringSubmatch(out, -1) {
		code, _ := strconv.Atoi(m[1])
		all = append(all, code)
	}
	return all
}
