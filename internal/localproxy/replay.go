package localproxy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/causeway-access/causeway/internal/transport"
)

// replayMost bounds the bodies that are kept to be sent again: what people and
// controllers write to the API is smaller, what they stream is larger.
const replayMost = 256 << 10

// replay is the body of a request that may be sent more than once.
type replay struct {
	none  bool
	whole []byte // nil if it is streamed
	src   io.ReadCloser
	begun atomic.Bool
}

// newReplay reads small bodies ahead.
func newReplay(r *http.Request) (*replay, error) {
	b := &replay{src: r.Body, none: r.Body == nil || r.Body == http.NoBody}
	if b.none || r.ContentLength <= 0 || r.ContentLength > replayMost {
		return b, nil
	}
	whole := make([]byte, r.ContentLength)
	if _, err := io.ReadFull(r.Body, whole); err != nil {
		return nil, fmt.Errorf("reading the request's body: %w", err)
	}
	b.whole = whole
	return b, nil
}

// attach gives an attempt its body.
func (b *replay) attach(r *http.Request) {
	switch {
	case b.none:
		r.Body, r.GetBody = http.NoBody, nil
	case b.whole != nil:
		// GetBody lets the transport repeat what a GOAWAY says was not served.
		r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.whole)), nil }
		r.Body = io.NopCloser(bytes.NewReader(b.whole))
	default:
		r.Body, r.GetBody = streamed{b}, nil
	}
}

// repeatable reports whether the request may be sent again though a server may
// have received it: twice is as good as once (RFC 9110, section 9.2.2), and
// all of it is still there.
func (b *replay) repeatable(method string) bool {
	return transport.Idempotent(method) && (b.none || b.whole != nil || !b.begun.Load())
}

// streamed is a body that can be read once. Closing it ends the attempt's use
// of it; the server closes the client's.
type streamed struct{ b *replay }

func (s streamed) Read(p []byte) (int, error) {
	s.b.begun.Store(true)
	return s.b.src.Read(p)
}

func (streamed) Close() error { return nil }

// serverError says which server failed, and how.
type serverError struct {
	server string
	err    error
}

func (e *serverError) Error() string { return e.server + ": " + e.err.Error() }
func (e *serverError) Unwrap() error { return e.err }

// unanswered is the error of a request that no server answered: it names each
// that was tried.
func unanswered(failures []error) error {
	if len(failures) == 1 {
		return fmt.Errorf("the API server did not answer: %w", failures[0])
	}
	texts := make([]string, len(failures))
	for i, err := range failures {
		texts[i] = err.Error()
	}
	return errors.New("no API server answered: " + strings.Join(texts, "; "))
}
