package accesstest

import (
	"io"
	"strings"
	"testing"

	"github.com/causeway-access/causeway/internal/xconnect/h2test"
)

// downgrade is a request in HTTP/2 that would mean something else if it were
// written down in HTTP/1.1 as it stands (RFC 9113, section 10.3).
type downgrade struct {
	name   string
	fields []string // after those of a plain POST; a pseudo field replaces one
	body   string
	lacks  []string // what the backend must not get
	// may is set where the request can be read in one way and may be served.
	may bool
}

func downgradeCases() []downgrade {
	const smuggled = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
	return []downgrade{
		{name: "a line break in a value", fields: []string{"x-a", "1\r\nx-b: 2"}, lacks: []string{"x-b"}},
		{name: "a line feed in a value", fields: []string{"x-a", "1\nx-b: 2"}, lacks: []string{"x-b"}},
		{name: "a request in a value", fields: []string{"x-a", "1\r\n\r\n" + smuggled}, lacks: []string{"/smuggled"}},
		{name: "a line break in a name", fields: []string{"x-a: 1\r\nx-b", "2"}, lacks: []string{"x-b"}},
		{name: "a colon in a name", fields: []string{"x-a:b", "2"}, lacks: []string{"x-a:b"}},
		{name: "a space in a name", fields: []string{"content-length ", "2"}, lacks: []string{"Content-Length :"}},
		{name: "a name in capitals", fields: []string{"X-A", "2"}, lacks: []string{"X-A"}},
		{name: "NUL in a value", fields: []string{"x-a", "1\x00"}, lacks: []string{"\x00"}},
		{name: "transfer-encoding", fields: []string{"transfer-encoding", "chunked"}, body: "0\r\n\r\n" + smuggled, lacks: []string{"/smuggled"}},
		{name: "connection", fields: []string{"connection", "keep-alive, x-a", "x-a", "1"}, lacks: []string{"x-a"}},
		{name: "upgrade", fields: []string{"upgrade", "websocket"}, lacks: []string{"upgrade"}},
		{name: "proxy-connection", fields: []string{"proxy-connection", "keep-alive"}, lacks: []string{"proxy-connection"}},
		{name: "te", fields: []string{"te", "chunked"}, lacks: []string{"te: chunked"}},
		{name: "less body than its length", fields: []string{"content-length", "100"}, body: "hello", lacks: []string{"GET "}},
		{name: "more body than its length", fields: []string{"content-length", "0"}, body: smuggled, lacks: []string{"/smuggled"}},
		{name: "two lengths", fields: []string{"content-length", "5", "content-length", "6"}, body: "hello", lacks: []string{"content-length: 6"}, may: true},
		{name: "a length that is none", fields: []string{"content-length", "5x"}, body: "hello", lacks: []string{"5x"}, may: true},
		{name: "a line break in the path", fields: []string{":path", web + "/echo HTTP/1.1\r\nx-b: 2\r\n\r\n"}, lacks: []string{"x-b"}},
		{name: "a space in the path", fields: []string{":path", web + "/echo HTTP/1.1"}, lacks: []string{"/echo HTTP/1.1 HTTP/1.1"}, may: true},
		{name: "a line break in the method", fields: []string{":method", "GET / HTTP/1.1\r\nx-b: 2\r\n\r\nPOST"}, lacks: []string{"x-b"}},
		{name: "a line break in the authority", fields: []string{":authority", "x\r\nx-b: 2"}, lacks: []string{"x-b"}},
		{name: "a user in the authority", fields: []string{":authority", "a b@c"}, lacks: []string{"a b"}},
		{name: "a host of its own", fields: []string{"host", "other"}, lacks: []string{"host: other"}, may: true},
		{name: "an absolute path", fields: []string{":path", "https://x" + web + "/echo"}, lacks: []string{"POST https"}, may: true},
		{name: "an unheard-of pseudo field", fields: []string{":x", "1"}, lacks: []string{":x"}},
		{name: "a pseudo field after the others", fields: []string{"x-a", "1", ":path", web + "/smuggled"}, lacks: []string{"/smuggled"}},
	}
}

// downgrades holds the engine to what is refused or neutralised.
func downgrades(t *testing.T, start Engine) {
	w := newWorld(t, start, nil)
	for _, d := range downgradeCases() {
		t.Run(d.name, func(t *testing.T) { w.downgrade(t, d) })
	}
}

func (w *world) downgrade(t *testing.T, d downgrade) {
	w.script.heads.take()
	h, err := h2test.Dial(w.dial(t, "h2"))
	must(t, err)
	defer h.Close()
	pseudo := map[string]string{":method": "POST", ":scheme": "https", ":authority": "gateway", ":path": web + "/echo"}
	var rest []string
	for i := 0; i < len(d.fields); i += 2 {
		if _, known := pseudo[d.fields[i]]; known && i == 0 {
			pseudo[d.fields[i]] = d.fields[i+1]
			continue
		}
		rest = append(rest, d.fields[i], d.fields[i+1])
	}
	fields := []string{"authorization", "Bearer alice-token"}
	for name, value := range pseudo {
		fields = append([]string{name, value}, fields...)
	}
	s, err := h.Open(false, append(fields, rest...)...)
	must(t, err)
	_, _ = io.WriteString(s, d.body) // the server may have reset the stream
	_ = s.CloseWrite()
	status, _, err := s.Head()
	body, _ := io.ReadAll(s)
	if err == nil && status == 200 && !d.may && containsAny(string(body), d.lacks) {
		t.Errorf("it was served: %q", body)
	}
	for _, head := range w.script.heads.take() {
		if containsAny(head, d.lacks) {
			t.Errorf("the backend got %q", head)
		}
	}
}

func containsAny(s string, words []string) bool {
	for _, word := range words {
		if strings.Contains(strings.ToLower(s), strings.ToLower(word)) {
			return true
		}
	}
	return false
}
