package h2_test

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/causeway-access/causeway/internal/engine/h2"
)

// A client that is none of Go's: large bodies both ways, and an answer that
// comes while the request is still sent.
func TestCurl(t *testing.T) {
	s := start(t, true, h2.Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/refuse" {
			_, _ = io.CopyN(io.Discard, r.Body, 1<<20)
			http.Error(w, "enough", http.StatusRequestEntityTooLarge)
			return
		}
		echo(w, r)
	})})
	dir := t.TempDir()
	sent := bytes.Repeat([]byte("0123456789abcdef"), 1<<20) // 16 MiB
	body := filepath.Join(dir, "body")
	must(t, os.WriteFile(body, sent, 0o600))
	for _, tt := range []struct {
		name, path, said string
		want             []byte
	}{
		{"both ways", "/echo", "2 200", sent},
		{"an answer before the end", "/refuse", "2 413", []byte("enough\n")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			answer := filepath.Join(dir, "answer")
			out, err := exec.CommandContext(t.Context(), "curl", "-sk", "--http2", "-m", "60", "--data-binary", "@"+body,
				"-H", "Expect:", "-o", answer, "-w", "%{http_version} %{http_code}", s.URL+tt.path).Output()
			if err != nil || string(out) != tt.said {
				t.Fatalf("got %q, %v; want %q", out, err, tt.said)
			}
			got, err := os.ReadFile(answer)
			must(t, err)
			if !bytes.Equal(got, tt.want) {
				t.Errorf("got %d bytes, and not those that were meant", len(got))
			}
		})
	}
}
