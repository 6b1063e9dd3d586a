package h2

import (
	"net/http"
	"sync/atomic"
	"time"
)

// clock tells the time as the Date field has it, which changes once a second.
type clock struct{ now atomic.Pointer[date] }

type date struct {
	second int64
	text   string
}

func (c *clock) date() string {
	now := time.Now()
	d := c.now.Load()
	if d == nil || d.second != now.Unix() {
		d = &date{now.Unix(), now.UTC().Format(http.TimeFormat)}
		c.now.Store(d)
	}
	return d.text
}
