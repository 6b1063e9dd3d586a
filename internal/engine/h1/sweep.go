package h1

import (
	"time"
)

// The states of a connection, as far as the sweeper is concerned. They stand in
// one word with the round of the sweeper at which they began.
const (
	idle   = iota // no byte of a request has come
	begun         // a part of a head has
	busy          // a request is served
	kicked        // the read that it waits in has been ended
)

const (
	// longest is the longest pause between two rounds.
	longest = time.Second
	// watchAfter is for how many rounds a request is served before its client is
	// looked after.
	watchAfter = 1
	// newcomer is how long a connection that has not brought a request yet is
	// left alone when the server is shut down.
	newcomer = 5 * time.Second
)

func stamp(state, round int64) int64 { return round<<2 | state }

func unstamp(word int64) (state, round int64) { return word & 3, word >> 2 }

// period is the pause between two rounds.
func (s *Server) period() time.Duration {
	p := longest
	for _, t := range []time.Duration{s.ReadHeaderTimeout, s.IdleTimeout} {
		if t > 0 {
			p = min(p, max(t/4, 10*time.Millisecond))
		}
	}
	return p
}

// rounds is how many rounds a time takes; no end of them for 0.
func (s *Server) rounds(t time.Duration) int64 {
	if t <= 0 {
		return 1 << 60
	}
	p := s.period()
	return int64((t + p - 1) / p)
}

// sweep looks at all connections, again and again as long as there are any. It
// takes the place of what each request would have to set and to clear.
func (s *Server) sweep() {
	now := s.now.Add(1)
	idleFor, headFor := s.rounds(s.IdleTimeout), s.rounds(s.ReadHeaderTimeout)
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		c.look(now, idleFor, headFor)
	}
	if s.sweeping = len(s.conns) > 0; s.sweeping {
		time.AfterFunc(s.period(), s.sweep)
	}
}

// look does what the time has come for.
func (c *conn) look(now, idleFor, headFor int64) {
	word := c.state.Load()
	state, since := unstamp(word)
	age := now - since
	switch state {
	case idle:
		// Who has just come is to say something as soon as one who has begun.
		if age > idleFor || age > headFor && !c.used.Load() {
			c.kick(word)
		}
	case begun:
		if age > headFor {
			c.kick(word)
		}
	case busy:
		if age > watchAfter {
			c.lookAfterClient()
		}
	}
}

// kick ends the read in which the connection waits, unless it has gone on.
func (c *conn) kick(word int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, round := unstamp(word)
	if c.state.CompareAndSwap(word, stamp(kicked, round)) {
		_ = c.net.SetReadDeadline(past) // an error means that it is closed
	}
}

// past is a deadline that has passed.
var past = time.Unix(1, 0)

// become changes the state, and takes back a kick that has come too late.
func (c *conn) become(word, next int64) {
	if c.state.CompareAndSwap(word, next) {
		return
	}
	c.revive()
	c.state.Store(next)
}

// revive makes the connection readable again after a kick.
func (c *conn) revive() {
	c.mu.Lock() // the kick is done
	defer c.mu.Unlock()
	_ = c.net.SetReadDeadline(time.Time{}) // the next read tells
}

// lookAfterClient ends the context of a request whose client is gone.
func (c *conn) lookAfterClient() {
	x := c.current.Load()
	if x == nil || !gone(c.socket, x.body.wholeRead()) {
		return
	}
	x.ctx.cancel()
}

// retire ends the connection if it is idle and the server shuts down.
func (c *conn) retire(now int64) {
	word := c.state.Load()
	state, since := unstamp(word)
	if state != idle || !c.used.Load() && now-since < c.server.rounds(newcomer) {
		return
	}
	c.kick(word)
}
