package h2_test

import (
	"io"
	"net/http"
	"slices"
	"testing"

	"golang.org/x/net/http2"

	"github.com/causeway-access/causeway/internal/engine/h2"
)

// The same answer has its fields in the same order each time, as with net/http:
// who compares two sees only what differs.
func TestFieldsComeInOrder(t *testing.T) {
	given := []string{"alpha", "audit-id", "cache-control", "etag", "link", "vary", "www-authenticate", "x-one", "x-two"}
	s := h2.Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for _, name := range given {
			w.Header().Set(name, name)
			w.Header().Set(http.TrailerPrefix+"End-"+name, name)
		}
		w.WriteHeader(http.StatusEarlyHints)
		_, _ = io.WriteString(w, "body")
	})}
	p := connect(t, s)
	p.open(1, true, head()...)
	var heads [][]string
	for len(heads) < 3 { // early hints, the answer, the trailer
		f, ok := p.next().(*http2.MetaHeadersFrame)
		if !ok {
			continue
		}
		var names []string
		for _, field := range f.RegularFields() {
			names = append(names, field.Name)
		}
		heads = append(heads, names)
	}
	for i, names := range heads {
		var ours []string // not those that the server adds
		for _, name := range names {
			if name != "date" && name != "content-type" && name != "content-length" {
				ours = append(ours, name)
			}
		}
		if len(ours) < len(given) || !slices.IsSorted(ours) {
			t.Errorf("head %d has %q", i, ours)
		}
	}
}
