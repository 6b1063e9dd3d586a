package gateway

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/streaming/pkg/httpstream"

	"github.com/causeway-access/causeway/internal/portforward"
	"github.com/causeway-access/causeway/internal/route"
)

// lateReset is after what time an end of a stream is looked at again.
const lateReset = time.Second

// errReset says that the client has reset its stream.
var errReset = errors.New("the stream was reset")

// forwardStream is a data stream as a connection. A stream's Close ends one
// direction; its Reset both.
type forwardStream struct {
	httpstream.Stream
	told *reports
	// gone is closed when the client's whole connection has ended, and giveUp
	// breaks off the backend's.
	gone   <-chan bool
	giveUp func()

	closing atomic.Bool
	mu      sync.Mutex
	late    *time.Timer
}

// Read tells a reset, and the end of the client, from an end, for which the
// library has one word. It marks a stream that was reset as finished a moment
// later; until this side has ended too, only a reset does that.
func (s *forwardStream) Read(p []byte) (int, error) {
	n, err := s.Stream.Read(p)
	if err != io.EOF || s.closing.Load() {
		return n, err
	}
	if s.wasReset() || s.clientGone() {
		s.giveUp()
		return n, errReset
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.late == nil {
		s.late = time.AfterFunc(lateReset, func() {
			if s.wasReset() {
				s.giveUp()
			}
		})
	}
	return n, err
}

func (s *forwardStream) wasReset() bool {
	finished, ok := s.Stream.(interface{ IsFinished() bool })
	return ok && finished.IsFinished() && !s.closing.Load()
}

func (s *forwardStream) clientGone() bool {
	select {
	case <-s.gone:
		return true
	default:
		return false
	}
}

// Write fails for a stream that the client has reset: the library would go on
// sending what nobody reads.
func (s *forwardStream) Write(p []byte) (int, error) {
	if s.wasReset() {
		return 0, errReset
	}
	return s.Stream.Write(p)
}

// CloseWrite tells the client that the backend has ended.
func (s *forwardStream) CloseWrite() error {
	s.closing.Store(true)
	err := s.Stream.Close()
	s.told.ended()
	return err
}

// Close breaks the stream off, unless it has ended.
func (s *forwardStream) Close() error { return s.Stream.Reset() }

func (s *forwardStream) over() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.late != nil {
		s.late.Stop()
	}
}

// LocalAddr, RemoteAddr and the deadlines are there to make it a [net.Conn];
// copying asks for none of them.
func (s *forwardStream) LocalAddr() net.Addr              { return nil }
func (s *forwardStream) RemoteAddr() net.Addr             { return nil }
func (s *forwardStream) SetDeadline(time.Time) error      { return os.ErrNoDeadline }
func (s *forwardStream) SetReadDeadline(time.Time) error  { return os.ErrNoDeadline }
func (s *forwardStream) SetWriteDeadline(time.Time) error { return os.ErrNoDeadline }

// reports is what the client is told of a connection, on its error stream. A
// client of Kubernetes takes every word for an error. One that asks for reports
// also hears that the backend was reached, and that it has ended: a stream that
// ends without was broken off.
type reports struct {
	p     *pair
	asked bool
}

func newReports(p *pair) *reports {
	return &reports{p, p.err.Headers().Get(portforward.ReportHeader) != ""}
}

func (t *reports) line(words ...string) {
	if t.asked {
		t.say(strings.Join(words, " ") + "\n")
	}
}

// say fails if the client is gone, and then there is nobody to tell.
func (t *reports) say(text string) { _, _ = io.WriteString(t.p.err, text) }

func (t *reports) connected(address string) { t.line(portforward.ReportConnected, address) }
func (t *reports) ended()                   { t.line(portforward.ReportEnded) }

// refused says why there is no connection, and ends both streams.
func (t *reports) refused(why string) {
	t.say(why)
	t.done()
	_ = t.p.data.Close() // as above
}

// done ends what is said.
func (t *reports) done() { _ = t.p.err.Close() }

// singular is a resource in a sentence.
func singular(r route.Resource) string { return strings.TrimSuffix(r.String(), "s") }
