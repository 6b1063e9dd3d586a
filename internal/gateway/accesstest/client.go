package accesstest

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"strings"
	"testing"
)

// client asks the engine in one protocol. It sends paths and queries as they
// are given, follows no redirect and asks for no compression.
type client struct {
	*world
	protocol string
	http     *http.Transport
}

// client returns a client with no certificate.
func (w *world) client(protocol string, pairs ...tls.Certificate) *client {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(protocol == http1)
	protocols.SetHTTP2(protocol == http2)
	c := &client{world: w, protocol: protocol, http: &http.Transport{
		TLSClientConfig:    &tls.Config{RootCAs: w.roots(), Certificates: pairs},
		Protocols:          protocols,
		DisableCompression: true,
	}}
	w.t.Cleanup(c.http.CloseIdleConnections)
	return c
}

// answer is a response, read to its end.
type answer struct {
	code    int
	header  http.Header
	body    string
	trailer http.Header
	interim []string // what came before the head: code and Link
	err     error    // why the body has no end
}

// location is the Location header.
func (a *answer) location() string { return a.header.Get("Location") }

// do sends a request as alice. Headers are names and values in turn; an empty
// value removes one.
func (c *client) do(t *testing.T, method, target string, body io.Reader, headers ...string) *answer {
	t.Helper()
	a := &answer{}
	resp := c.open(t, a, method, target, body, headers...)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	a.body, a.err, a.trailer = string(text), err, resp.Trailer
	return a
}

// get is do with GET.
func (c *client) get(t *testing.T, target string, headers ...string) *answer {
	t.Helper()
	return c.do(t, http.MethodGet, target, nil, headers...)
}

// open sends a request and returns the response with its body unread.
func (c *client) open(t *testing.T, a *answer, method, target string, body io.Reader, headers ...string) *http.Response {
	t.Helper()
	resp, err := c.http.RoundTrip(c.request(t, a, method, target, body, headers...))
	if err != nil {
		t.Fatalf("%s %s: %v", method, target, err)
	}
	if resp.Proto != c.protocol {
		t.Fatalf("the engine answered in %s", resp.Proto)
	}
	a.code, a.header = resp.StatusCode, resp.Header
	return resp
}

func (c *client) request(t *testing.T, a *answer, method, target string, body io.Reader, headers ...string) *http.Request {
	t.Helper()
	trace := &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
		a.interim = append(a.interim, fmt.Sprint(code, " ", h.Get("Link")))
		return nil
	}}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	ctx = httptrace.WithClientTrace(ctx, trace)
	r, err := http.NewRequestWithContext(ctx, method, "https://"+c.addr.String(), body)
	must(t, err)
	path, query, found := strings.Cut(target, "?")
	r.URL = &url.URL{Scheme: "https", Host: c.addr.String(), Opaque: path, RawQuery: query, ForceQuery: found && query == ""}
	r.Header.Set("Authorization", "Bearer alice-token")
	r.Header.Set("User-Agent", "accesstest")
	for i := 0; i < len(headers); i += 2 {
		switch name, value := headers[i], headers[i+1]; {
		case value == "":
			r.Header.Del(name)
		case name == "Host":
			r.Host = value
		default:
			r.Header.Add(name, value)
			if name == "Authorization" {
				r.Header[name] = []string{value}
			}
		}
	}
	return r
}

// seen is what the script got.
type seen struct {
	line  string   // method and request target
	lines []string // the header lines
	body  string
}

// has reports whether a header line is among those seen.
func (s *seen) has(line string) bool {
	for _, l := range s.lines {
		if strings.EqualFold(l, line) {
			return true
		}
	}
	return false
}

// value returns the values of a header, joined.
func (s *seen) value(name string) string {
	var values []string
	for _, l := range s.lines {
		if n, v, _ := strings.Cut(l, ": "); strings.EqualFold(n, name) {
			values = append(values, v)
		}
	}
	return strings.Join(values, "|")
}

// echoed reads what the script echoed.
func (a *answer) echoed(t *testing.T) *seen {
	t.Helper()
	head, body, ok := strings.Cut(a.body, "\r\n\r\n")
	line, rest, _ := strings.Cut(head, "\r\n")
	line, version := strings.CutSuffix(line, " HTTP/1.1")
	if a.code != http.StatusOK || !ok || !version {
		t.Fatalf("got %d %q, want what the backend was sent", a.code, a.body)
	}
	return &seen{line: line, lines: strings.Split(rest, "\r\n"), body: body}
}
