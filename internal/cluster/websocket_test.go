package cluster

import (
	"bytes"
	"crypto/tls"
	"io"
	"net/http"
	"strings"
	"testing"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/causeway-access/causeway/internal/xconnect/h2test"
)

// A browser's WebSocket to the API itself comes over HTTP/2 too: a watch that
// is answered by the API server's own WebSockets.
func TestAPIWebSocketOverHTTP2(t *testing.T) {
	c, stop := start(t, shortDir(t))
	defer stop()
	cfg, err := clientcmd.BuildConfigFromFlags("", c.Info().Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	sessions, err := rest.TLSConfigFor(cfg)
	if err != nil {
		t.Fatal(err)
	}
	sessions.NextProtos = []string{"h2"}
	host := strings.TrimPrefix(cfg.Host, "https://")
	raw, err := tls.Dial("tcp", host, sessions)
	if err != nil {
		t.Fatal(err)
	}
	h, err := h2test.Dial(raw)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	if !h.ExtendedConnect() {
		t.Fatal("the API server does not offer extended CONNECT")
	}
	s, err := h.Open(false, ":method", "CONNECT", ":protocol", "websocket", ":scheme", "https", ":authority", host,
		":path", "/api/v1/namespaces?watch=true", "sec-websocket-version", "13", "origin", cfg.Host)
	if err != nil {
		t.Fatal(err)
	}
	if status, header, err := s.Head(); err != nil || status != http.StatusOK {
		t.Fatalf("got %d %v, %v", status, header, err)
	}
	got := make([]byte, 64)
	n, err := io.ReadFull(s, got) // which comes in pieces as it likes
	if err != nil || !bytes.Contains(got[:n], []byte(`{"type":"ADDED"`)) {
		t.Errorf("got %q, %v, want a frame with the first namespace", got[:n], err)
	}
	if err := s.Reset(); err != nil {
		t.Error(err)
	}
}
