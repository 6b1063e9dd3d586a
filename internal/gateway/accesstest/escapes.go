package accesstest

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-access/causeway/internal/xconnect/h2test"
)

// brokenEscapes are ends of paths that no two programs read alike.
var brokenEscapes = []string{"/%zz", "/%", "/%2", "/a%2g/b", "/%%32f"}

// escapesRefused: over HTTP/1.1 with 400.
func (w *world) escapesRefused(t *testing.T) {
	w.script.heads.take()
	for _, path := range brokenEscapes {
		out := w.send(t, head("GET", web+path))
		if diff := cmp.Diff([]int{http.StatusBadRequest}, codes(out)); diff != "" {
			t.Errorf("%s: got %q", path, out)
		}
	}
	if heads := w.script.heads.take(); len(heads) > 0 {
		t.Errorf("the backend got %q", heads)
	}
}

// escapesReset: over HTTP/2 with 400, or by the end of the stream as malformed
// (RFC 9113, section 8.1.1), at once and of that stream alone. It is asked
// frame by frame: Go's client takes such an end for a reason to try six times
// more, in the course of a minute (golang/go#47635), and then looks as if
// nobody had answered.
func (w *world) escapesReset(t *testing.T) {
	w.script.heads.take()
	h, err := h2test.Dial(w.dial(t, "h2"))
	must(t, err)
	defer h.Close()
	ask := func(path string) (int, error) {
		s, err := h.Open(true, ":method", "GET", ":scheme", "https", ":authority", "gateway", ":path", web+path, "authorization", "Bearer alice-token")
		must(t, err)
		code, _, err := s.Head()
		return code, err
	}
	for _, path := range brokenEscapes {
		code, err := ask(path)
		if code != http.StatusBadRequest && (err == nil || !strings.HasSuffix(err.Error(), "reset: PROTOCOL_ERROR")) {
			t.Errorf("%s: got %d, %v", path, code, err)
		}
	}
	if heads := w.script.heads.take(); len(heads) > 0 {
		t.Errorf("the backend got %q", heads)
	}
	if code, err := ask("/good"); code != http.StatusOK {
		t.Errorf("the next request on the connection: %d, %v", code, err)
	}
}
