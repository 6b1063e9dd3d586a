package gateway_test

import (
	"fmt"
	"net/http"
	"net/http/httputil"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-access/causeway/internal/gateway"
)

// echo answers with the request line, Host and headers as they came.
func echo(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain")
	dump, _ := httputil.DumpRequest(r, false)
	fmt.Fprintf(w, "%s", dump)
}

// Section 2: what is removed, set and kept.
func TestRequestHeaders(t *testing.T) {
	w := newWorld(t, func(c *gateway.Config) { c.SessionCookie = "session" }, service("web", backend(t, echo))...)
	resp, body := w.do("GET", web+"/x?y=z", nil,
		"Host-Is", "kept", "X-Forwarded-For", "203.0.113.9", "X-Forwarded-Host", "evil", "X-Forwarded-Uri", "/evil", "X-Forwarded-Prefix", "/evil",
		"X-Remote-User", "root", "X-Remote-Extra-A", "b", "Connection", "X-Secret, close", "X-Secret", "s", "Keep-Alive", "5",
		"Proxy-Authorization", "Basic eA==", "Te", "trailers, deflate", "Cookie", "a=1; session=abc; b=2", "User-Agent", "me")
	host := strings.TrimPrefix(w.URL, "http://")
	if resp.StatusCode != 200 {
		t.Fatalf("got %s %s", resp.Status, body)
	}
	want := strings.Join([]string{
		"GET /x?y=z HTTP/1.1", "Host: " + host, "Cookie: a=1; b=2", "Host-Is: kept", "Te: trailers", "User-Agent: me",
		"X-Forwarded-For: 203.0.113.9, 127.0.0.1", "X-Forwarded-Host: " + host, "X-Forwarded-Prefix: " + web, "X-Forwarded-Proto: http",
		"X-Forwarded-Uri: " + web + "/x?y=z", "", "",
	}, "\r\n")
	if diff := cmp.Diff(want, body); diff != "" {
		t.Errorf("-want +the backend got:\n%s", diff)
	}
}
