package portforward

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/streaming/pkg/httpstream"
)

// errBroken says that the connection to the API server has ended.
var errBroken = errors.New("the connection to the API server broke")

// RefusedError says in the API server's words why there is no connection.
type RefusedError struct{ Message string }

func (e *RefusedError) Error() string { return e.Message }

// session is an upgraded connection to the API server.
type session struct {
	of   *Dialer
	path string
	conn httpstream.Connection
	raw  io.Closer // what conn is on
	end  context.CancelFunc
	once sync.Once

	idle    *time.Timer // guarded by of.mu
	request int         // the last request ID; one connection at a time counts
}

func (s *session) broken() bool {
	select {
	case <-s.conn.CloseChan():
		return true
	default:
		return false
	}
}

// close ends the session at once, and the connection on it.
func (s *session) close() {
	s.once.Do(func() {
		s.raw.Close() // first: conn would wait to say goodbye
		s.conn.Close()
		s.end()
	})
}

// open asks for a connection to a port.
func (s *session) open(ctx context.Context, port uint16, acknowledged bool) (*Conn, error) {
	s.request++
	h := http.Header{}
	h.Set(corev1.PortHeader, strconv.Itoa(int(port)))
	h.Set(corev1.PortForwardRequestIDHeader, strconv.Itoa(s.request))
	h.Set(ReportHeader, "1")
	errs, data, err := s.pair(ctx, h)
	if err != nil {
		return nil, err
	}
	c := newConn(s, data, errs)
	if !acknowledged {
		return c, nil
	}
	select {
	case <-c.connected:
		return c, nil
	case <-c.over:
		c.forget()
		if s.broken() || c.message == "" {
			return nil, errBroken
		}
		return nil, &RefusedError{c.message}
	case <-ctx.Done():
		c.forget()
		return nil, context.Cause(ctx)
	}
}

// pair opens both streams of a connection, side by side.
func (s *session) pair(ctx context.Context, h http.Header) (errs, data httpstream.Stream, err error) {
	type result struct {
		stream httpstream.Stream
		err    error
	}
	create := func(kind string) chan result {
		done := make(chan result, 1)
		h := h.Clone()
		h.Set(corev1.StreamType, kind)
		go func() {
			stream, err := s.conn.CreateStream(h)
			done <- result{stream, err}
		}()
		return done
	}
	wait := func(done chan result) (httpstream.Stream, error) {
		select {
		case r := <-done:
			if r.err != nil {
				return nil, fmt.Errorf("opening a stream: %w", r.err)
			}
			return r.stream, nil
		case <-s.conn.CloseChan():
			return nil, errBroken
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	first, second := create(corev1.StreamTypeError), create(corev1.StreamTypeData)
	if errs, err = wait(first); err != nil {
		return nil, nil, err
	}
	if data, err = wait(second); err != nil {
		return nil, nil, err
	}
	return errs, data, errs.Close() // nothing is said on it from here
}
