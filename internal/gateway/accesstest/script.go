package accesstest

import (
	"bufio"
	"crypto/sha1" //nolint:gosec // RFC 6455 asks for it
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// script is a backend that answers in bytes, without a server's manners. It
// echoes each request as it came, unless the path is one for which it has been
// told what to do.
type script struct {
	addr    netip.AddrPort
	conns   atomic.Int64 // that were opened
	mu      sync.Mutex
	acts    []func(*turn)
	heads   log[string] // of the requests that came
	running sync.WaitGroup
}

// turn is one request to the script.
type turn struct {
	conn net.Conn
	in   *bufio.Reader
	head string // with the empty line
	over bool   // the connection is to be closed
}

// newScript starts a script. It ends with the test.
func newScript(t *testing.T) *script {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	s := &script{addr: netip.MustParseAddrPort(l.Addr().String())}
	var open sync.Map
	s.running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.conns.Add(1)
			open.Store(c, nil)
			s.running.Go(func() {
				s.serve(c)
				c.Close()
				open.Delete(c)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		open.Range(func(c, _ any) bool { c.(net.Conn).Close(); return true })
		s.running.Wait()
	})
	return s
}

// serve plays the turns of one connection.
func (s *script) serve(c net.Conn) {
	in := bufio.NewReader(c)
	for {
		head, err := readHead(in)
		if err != nil {
			return
		}
		s.heads.add(head)
		t := &turn{conn: c, in: in, head: head}
		s.act(t.target())(t)
		if t.over {
			return
		}
	}
}

func readHead(in *bufio.Reader) (string, error) {
	var head strings.Builder
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return "", err
		}
		head.WriteString(line)
		if line == "\r\n" {
			return head.String(), nil
		}
	}
}

// act finds what to do for a request target.
func (s *script) act(target string) func(*turn) {
	path, _, _ := strings.Cut(target, "?")
	number, ok := strings.CutPrefix(path, "/act/")
	if n, err := strconv.Atoi(number); ok && err == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.acts[n]
	}
	return echo
}

// does tells the script what to do, and returns the path under which it does.
func (s *script) does(act func(*turn)) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.acts = append(s.acts, act)
	return web + "/act/" + strconv.Itoa(len(s.acts)-1)
}

// says tells the script what to answer, after it has read the request.
func (s *script) says(answer string) string {
	return s.does(func(t *turn) { t.body(); t.write(answer) })
}

// ends is says, and the connection is closed afterwards.
func (s *script) ends(answer string) string {
	return s.does(func(t *turn) { t.body(); t.write(answer); t.over = true })
}

func (t *turn) target() string {
	fields := strings.Fields(t.head)
	return fields[1]
}

func (t *turn) write(s string) {
	if _, err := io.WriteString(t.conn, s); err != nil {
		t.over = true
	}
}

// header returns the value of the request's first header of this name.
func (t *turn) header(name string) string {
	for line := range strings.SplitSeq(t.head, "\r\n") {
		if n, v, ok := strings.Cut(line, ":"); ok && strings.EqualFold(n, name) {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// body reads the request's body and returns it as it was framed.
func (t *turn) body() string {
	if strings.EqualFold(t.header("Transfer-Encoding"), "chunked") {
		return t.chunks()
	}
	n, _ := strconv.Atoi(t.header("Content-Length"))
	b := make([]byte, n)
	if _, err := io.ReadFull(t.in, b); err != nil {
		t.over = true
	}
	return string(b)
}

// chunks reads a chunked body, trailer included.
func (t *turn) chunks() string {
	var all strings.Builder
	for {
		line, err := t.in.ReadString('\n')
		all.WriteString(line)
		n, bad := strconv.ParseInt(strings.TrimSpace(line), 16, 32)
		if err != nil || bad != nil {
			t.over = true
			return all.String()
		}
		if n == 0 {
			trailer, err := readHead(t.in)
			t.over = t.over || err != nil
			return all.String() + trailer
		}
		if _, err := io.CopyN(&all, t.in, n+2); err != nil {
			t.over = true
			return all.String()
		}
	}
}

// echo answers with the request as it came.
func echo(t *turn) {
	body := t.body()
	if t.over {
		return // it did not come whole
	}
	out := t.head + body
	if strings.HasPrefix(t.head, "HEAD ") {
		body, out = out, ""
	} else {
		body = out
	}
	t.write(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s", len(body), out))
}

// proof is what a backend with WebSockets answers to a key (RFC 6455, section
// 4.2.2).
func proof(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) //nolint:gosec // the RFC's choice
	return base64.StdEncoding.EncodeToString(sum[:])
}
