package h2

import (
	"encoding/binary"
	"time"

	"golang.org/x/net/http2"
)

// frame reads one frame and does what it says. Errors of type
// [http2.StreamError] and [http2.ConnectionError] are the client's faults; all
// others mean that nothing more can be read.
func (c *conn) frame() error {
	b, err := c.in.need(headLen)
	if err != nil {
		return err
	}
	h := parseHead(b)
	c.in.take(headLen)
	if h.length > frameSize {
		return http2.ConnectionError(http2.ErrCodeFrameSize)
	}
	// A header block stands in one piece (RFC 9113, section 4.3), and SETTINGS
	// come first (section 3.4).
	if c.block.open != (h.kind == http2.FrameContinuation) || !c.ready && h.kind != http2.FrameSettings {
		return http2.ConnectionError(http2.ErrCodeProtocol)
	}
	switch h.kind {
	case http2.FrameData:
		return c.data(h)
	case http2.FrameHeaders, http2.FrameContinuation:
		return c.headers(h)
	}
	p, err := c.in.payload(h.length)
	if err != nil {
		return err
	}
	switch h.kind {
	case http2.FrameSettings:
		return c.settings(h, p)
	case http2.FramePing:
		return c.ping(h, p)
	case http2.FrameWindowUpdate:
		return c.windowUpdate(h, p)
	case http2.FrameRSTStream:
		return c.resetBy(h, p)
	case http2.FramePriority:
		return c.priority(h)
	case http2.FramePushPromise:
		return http2.ConnectionError(http2.ErrCodeProtocol) // it is ours to promise
	case http2.FrameGoAway:
		if h.stream != 0 {
			return http2.ConnectionError(http2.ErrCodeProtocol)
		}
		// The client will take no pushed streams, of which there are none.
	}
	return c.idle.count() // of GOAWAY, and of types that nobody knows (section 4.1)
}

// idleness bounds frames that cost time and do nothing: empty ones, PING,
// SETTINGS, PRIORITY and unknown ones (CVE-2019-9512, -9515, -9518).
type idleness struct {
	frames int
	since  time.Time
}

// mostIdle is how many of them may come within idleTime.
const (
	mostIdle = 10000
	idleTime = 10 * time.Second
)

func (i *idleness) count() error {
	if i.frames++; i.frames < mostIdle {
		return nil
	}
	now := time.Now()
	if now.Sub(i.since) < idleTime {
		return http2.ConnectionError(http2.ErrCodeEnhanceYourCalm)
	}
	i.frames, i.since = 0, now
	return nil
}

func (c *conn) settings(h frameHead, p []byte) error {
	switch ack := h.flags.Has(http2.FlagSettingsAck); {
	case h.stream != 0, ack && !c.ready:
		return http2.ConnectionError(http2.ErrCodeProtocol)
	case len(p)%6 != 0, ack && len(p) != 0:
		return http2.ConnectionError(http2.ErrCodeFrameSize)
	case ack:
		return c.idle.count()
	}
	c.mu.Lock()
	for ; len(p) > 0; p = p[6:] {
		id, v := http2.SettingID(binary.BigEndian.Uint16(p)), binary.BigEndian.Uint32(p[2:])
		if err := c.setting(id, v); err != nil {
			c.mu.Unlock()
			return err
		}
	}
	c.out = appendHead(c.out, 0, http2.FrameSettings, http2.FlagSettingsAck, 0)
	c.control++
	c.flushSoon()
	c.mu.Unlock()
	if !c.ready {
		return c.settled()
	}
	return c.idle.count()
}

// setting does what one of the client's settings says. c.mu is held.
func (c *conn) setting(id http2.SettingID, v uint32) error {
	switch id {
	case http2.SettingHeaderTableSize:
		c.hpack.SetMaxDynamicTableSize(min(v, tableSize))
	case http2.SettingInitialWindowSize:
		if v > maxWindow {
			return http2.ConnectionError(http2.ErrCodeFlowControl)
		}
		return c.initialWindow(int64(v))
	case http2.SettingMaxFrameSize:
		if v < frameSize || v > 1<<24-1 {
			return http2.ConnectionError(http2.ErrCodeProtocol)
		}
	case http2.SettingEnablePush, http2.SettingEnableConnectProtocol:
		if v > 1 {
			return http2.ConnectionError(http2.ErrCodeProtocol)
		}
	}
	return nil
}

func (c *conn) ping(h frameHead, p []byte) error {
	switch {
	case h.stream != 0:
		return http2.ConnectionError(http2.ErrCodeProtocol)
	case len(p) != 8:
		return http2.ConnectionError(http2.ErrCodeFrameSize)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if h.flags.Has(http2.FlagPingAck) {
		if string(p) == drainPing && c.goaway.said {
			c.sayGoAway()
		}
		return c.idle.count()
	}
	c.out = appendHead(c.out, 8, http2.FramePing, http2.FlagPingAck, 0)
	c.out = append(c.out, p...)
	c.control++
	c.flushSoon()
	return c.idle.count()
}

func (c *conn) priority(h frameHead) error {
	switch {
	case h.stream == 0:
		return http2.ConnectionError(http2.ErrCodeProtocol)
	case h.length != 5:
		return http2.StreamError{StreamID: h.stream, Code: http2.ErrCodeFrameSize}
	}
	return c.idle.count()
}

// resetBy breaks a stream off as the client wishes.
func (c *conn) resetBy(h frameHead, p []byte) error {
	if len(p) != 4 {
		return http2.ConnectionError(http2.ErrCodeFrameSize)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.unborn(h.stream) {
		return http2.ConnectionError(http2.ErrCodeProtocol)
	}
	if st := c.streams[h.stream]; st != nil {
		c.close(st, http2.StreamError{StreamID: h.stream, Code: http2.ErrCode(binary.BigEndian.Uint32(p))})
		return nil
	}
	return c.idle.count()
}

// unborn reports whether a stream has not been begun. c.mu is held.
func (c *conn) unborn(id uint32) bool { return id%2 == 0 || id > c.last }
