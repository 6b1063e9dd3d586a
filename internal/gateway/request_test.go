package gateway_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/user"

	"github.com/causeway-access/causeway/internal/gateway"
)

// echo answers with the request line, Host and headers as they came.
func echo(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain")
	dump, _ := httputil.DumpRequest(r, false)
	fmt.Fprintf(w, "%s", dump)
}

// Section 2: paths and queries reach the backend byte for byte.
func TestPathAndQueryAreKept(t *testing.T) {
	w := newWorld(t, nil, service("web", backend(t, echo))...)
	tests := []struct{ path, want string }{
		{web + "/", "/"},
		{web + "/a%2Fb;c//d", "/a%2Fb;c//d"},
		{web + "//", "//"},
		{web + "//a//b", "//a//b"},
		{web + "/../../../api", "/api"},
		{web + "/%2e%2e/x", "/x"},
		{web + "/x?a=%20&b=+;c&dryRun=All", "/x?a=%20&b=+;c&dryRun=All"},
		{web + "/a|b\"<>", "/a|b\"<>"},
		{web + "/%ff%C3%A9", "/%ff%C3%A9"},
		{"/api/v1/proxy/namespaces/default/services/web/x", "/x"},
		{"/api/v1beta1/proxy/services/web/x?namespace=default&y", "/x?namespace=default&y"},
		{"/api/v1beta1/proxy/ns/default/services/web/", "/"},
	}
	for _, tt := range tests {
		_, body := w.do("GET", tt.path, nil)
		if line, _, _ := strings.Cut(body, "\r\n"); line != "GET "+tt.want+" HTTP/1.1" {
			t.Errorf("%s: the backend got %q, want %s", tt.path, line, tt.want)
		}
	}
	t.Run("without a path", func(t *testing.T) {
		_, body := w.do("POST", web, nil)
		if line, _, _ := strings.Cut(body, "\r\n"); line != "POST / HTTP/1.1" {
			t.Errorf("the backend got %q", line)
		}
	})
}

// Section 2: bare targets.
func TestBareTargetGetsItsSlash(t *testing.T) {
	w := newWorld(t, nil, service("web")...)
	tests := []struct{ method, path, want string }{
		{"GET", web, web + "/"},
		{"HEAD", web + "?a=b%20c", web + "/?a=b%20c"},
		{"GET", "/api/v1beta1/proxy/services/web", "/api/v1beta1/proxy/services/web/"},
		{"GET", "/api/v1/proxy/namespaces/default/services/https:web:", "/api/v1/proxy/namespaces/default/services/https:web:/"},
	}
	for _, tt := range tests {
		resp, _ := w.do(tt.method, tt.path, nil)
		location := resp.Header.Get("Location")
		if resp.StatusCode != 301 || strings.HasPrefix(location, "/") || strings.Contains(location, "://") {
			t.Errorf("%s: got %s to %q, want 301 to a relative path", tt.path, resp.Status, location)
			continue
		}
		path, query, _ := strings.Cut(tt.path, "?")
		base := *resp.Request.URL
		base.Opaque, base.Path, base.RawQuery = "", path, query
		to, err := base.Parse(location)
		if err != nil || to.RequestURI() != tt.want {
			t.Errorf("%s: %q leads to %v, want %s", tt.path, location, to, tt.want)
		}
	}
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

// Section 2: the application's own Authorization passes if the caller was
// authenticated by something else.
func TestAuthorizationOfTheApplicationPasses(t *testing.T) {
	byCertificate := authenticator.RequestFunc(func(*http.Request) (*authenticator.Response, bool, error) {
		return &authenticator.Response{User: &user.DefaultInfo{Name: "carol"}}, true, nil
	})
	w := newWorld(t, func(c *gateway.Config) { c.Authenticator = byCertificate }, service("web", backend(t, echo))...)
	if _, body := w.do("GET", web+"/", nil, "Authorization", "Basic YXBwOmFwcA=="); !strings.Contains(body, "Authorization: Basic YXBwOmFwcA==\r\n") {
		t.Errorf("it did not reach the backend:\n%s", body)
	}
	if _, body := w.do("GET", web+"/", nil, "User-Agent", ""); strings.Contains(body, "User-Agent: Go-http-client/1.1\r\n") && strings.Contains(body, "causeway") {
		t.Errorf("an agent was made up:\n%s", body)
	}
}

func TestAudiences(t *testing.T) {
	var of authenticator.Audiences
	for_ := authenticator.RequestFunc(func(r *http.Request) (*authenticator.Response, bool, error) {
		of, _ = authenticator.AudiencesFrom(r.Context())
		return &authenticator.Response{User: &user.DefaultInfo{Name: "pod"}, Audiences: authenticator.Audiences{r.Header.Get("For")}}, true, nil
	})
	w := newWorld(t, func(c *gateway.Config) { c.Authenticator, c.Audiences = for_, authenticator.Audiences{"api"} })
	if resp, _ := w.do("GET", web+"/", nil, "For", "api"); resp.StatusCode != 404 || len(of) != 1 || of[0] != "api" {
		t.Errorf("got %s, audiences %v", resp.Status, of)
	}
	if resp, _ := w.do("GET", web+"/", nil, "For", "vault"); resp.StatusCode != 401 {
		t.Errorf("a token for another audience: got %s, want 401", resp.Status)
	}
}

// Section 2: bodies stream, and trailers pass both ways.
func TestBodiesAndTrailers(t *testing.T) {
	b := backend(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		http.NewResponseController(w).EnableFullDuplex()
		n, buf := 0, make([]byte, 64)
		for {
			k, err := r.Body.Read(buf)
			n += k
			w.Write(buf[:k])
			w.(http.Flusher).Flush()
			if err != nil {
				break
			}
		}
		w.Header().Set("X-Sum", fmt.Sprint(n, r.Trailer.Get("X-Req")))
		w.Header().Set(http.TrailerPrefix+"X-Late", "yes")
	})
	w := newWorld(t, nil, service("web", b)...)
	pr, pw := io.Pipe()
	r, _ := http.NewRequestWithContext(context.Background(), "POST", w.URL+web+"/", pr)
	r.Header.Set("Authorization", "Bearer alice-token")
	r.Trailer = http.Header{"X-Req": nil}
	go func() { io.WriteString(pw, "ping") }()
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	buf := make([]byte, 4)
	if _, err := io.ReadFull(resp.Body, buf); err != nil || string(buf) != "ping" { // the request is not at its end yet
		t.Fatalf("got %q, %v", buf, err)
	}
	r.Trailer.Set("X-Req", "!")
	io.WriteString(pw, "pong")
	pw.Close()
	rest, err := io.ReadAll(resp.Body)
	if err != nil || string(rest) != "pong" {
		t.Fatalf("got %q, %v", rest, err)
	}
	if sum, late := resp.Trailer.Get("X-Sum"), resp.Trailer.Get("X-Late"); sum != "8!" && sum != "8 !" || late != "yes" {
		t.Errorf("trailers: %v", resp.Trailer)
	}
}
