package walkthrough

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"testing"
)

// pod makes a pod that is the handler, served on the loopback interface, and
// returns the path to it through the API. The cluster must have been told
// --allow-endpoint-cidr.
func (r *running) pod(t *testing.T, name string, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	r.tcpPod(t, name, netip.MustParseAddrPort(server.Listener.Addr().String()))
	path := "/api/v1/namespaces/default/pods/" + name + "/proxy/"
	eventuallyTrue(t, "the pod is reached", func() bool {
		status, _ := r.get(t, path)
		return status == http.StatusOK
	})
	return path
}

// address is where the API listens.
func (r *running) address() string { return strings.TrimPrefix(r.URL, "https://") }

// tls is a configuration that knows the cluster's authority.
func (r *running) tls(t *testing.T) *tls.Config {
	t.Helper()
	pem, err := os.ReadFile(r.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		t.Fatalf("no certificate in %s", r.CAFile)
	}
	return &tls.Config{RootCAs: pool, ServerName: "localhost"}
}

// dial opens a connection that speaks HTTP/1.1.
func (r *running) dial(t *testing.T) (net.Conn, error) {
	t.Helper()
	c, err := tls.Dial("tcp", r.address(), r.tls(t))
	if err == nil {
		t.Cleanup(func() { c.Close() })
	}
	return c, err
}

// token is the administrator's.
func (r *running) token(t *testing.T) string {
	t.Helper()
	token, err := os.ReadFile(r.TokenFile)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(token))
}

// head is the head of a request of the administrator's, with further lines.
func (r *running) head(t *testing.T, path string, lines ...string) string {
	t.Helper()
	return fmt.Sprintf("GET %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n%s\r\n", path, r.token(t), strings.Join(append(lines, ""), "\r\n"))
}

// get asks as the administrator, on a connection of its own.
func (r *running) get(t *testing.T, path string, headers ...string) (status int, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+r.token(t))
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	client := http.Client{Transport: &http.Transport{TLSClientConfig: r.tls(t), DisableKeepAlives: true}}
	resp, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("reading the answer to %s: %v", path, err)
	}
	return resp.StatusCode, string(text)
}
