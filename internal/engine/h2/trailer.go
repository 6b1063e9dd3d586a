package h2

import (
	"net/http"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// announce notes the fields that a handler says will be in the trailer.
func (w *response) announce(values []string) {
	for _, list := range values {
		for name := range strings.SplitSeq(list, ",") {
			w.declare(strings.TrimSpace(name))
		}
	}
}

func (w *response) declare(name string) {
	name = http.CanonicalHeaderKey(name)
	if name != "" && httpguts.ValidTrailerHeader(name) && !slices.Contains(w.trailers, name) {
		w.trailers = append(w.trailers, name)
	}
}

// promote takes the fields of [http.TrailerPrefix] for those of the trailer.
func (w *response) promote() {
	for name, values := range w.header {
		if name, ok := strings.CutPrefix(name, http.TrailerPrefix); ok {
			w.declare(name)
			w.header[http.CanonicalHeaderKey(name)] = values
		}
	}
}

// hasTrailers reports whether the handler has set any field of the trailer.
func (w *response) hasTrailers() bool {
	for _, name := range w.trailers {
		if _, ok := w.header[name]; ok {
			return true
		}
	}
	return false
}

// sendTrailers ends the stream with the trailer. conn.mu is held.
func (w *response) sendTrailers() {
	c := w.st.conn
	begin := c.beginBlock()
	slices.Sort(w.trailers)
	for _, name := range w.trailers {
		for _, v := range w.header[name] {
			c.encodeField(name, v)
		}
	}
	c.endBlock(begin, w.st.id, true)
}
