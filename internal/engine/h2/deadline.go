package h2

import (
	"os"
	"time"

	"golang.org/x/net/http2"
)

// stuck is how long a stream whose time is over waits for a write of its own
// that the client does not take.
const stuck = 5 * time.Second

const (
	reading = iota
	writing
	outlasting
	numDeadlines
)

// SetReadDeadline is for [http.ResponseController]: reads of the request's body
// fail from then on.
func (w *response) SetReadDeadline(t time.Time) error {
	w.deadline(reading, t, w.st.body.expire)
	return nil
}

// SetWriteDeadline is for [http.ResponseController]: the stream is reset then,
// so that writes fail.
func (w *response) SetWriteDeadline(t time.Time) error {
	w.deadline(writing, t, w.st.writeExpired)
	return nil
}

// EnableFullDuplex is for [http.ResponseController]. HTTP/2 is.
func (*response) EnableFullDuplex() error { return nil }

func (w *response) deadline(which int, t time.Time, expired func()) {
	st, c := w.st, w.st.conn
	c.mu.Lock()
	if old := st.deadlines[which]; old != nil {
		old.Stop()
		st.deadlines[which] = nil
	}
	left := time.Until(t)
	if !t.IsZero() && left > 0 && !st.closed {
		st.deadlines[which] = time.AfterFunc(left, expired)
	}
	c.mu.Unlock()
	if !t.IsZero() && left <= 0 {
		expired()
	}
}

// stopDeadlines has nothing expire any more. conn.mu is held.
func (st *stream) stopDeadlines() {
	for _, t := range st.deadlines {
		if t != nil {
			t.Stop()
		}
	}
}

// writeExpired resets the stream. If its handler waits
// within a write for the connection, because the client takes nothing at all,
// the connection ends with it.
func (st *stream) writeExpired() {
	c := st.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.streams[st.id] == nil {
		return
	}
	c.reset(st.id, http2.ErrCodeInternal, os.ErrDeadlineExceeded)
	c.flushSoon()
	if !c.writing || !st.flushing {
		return
	}
	write := c.writes
	time.AfterFunc(stuck, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.writing && c.writes == write {
			c.failed(errStalled)
		}
	})
}
