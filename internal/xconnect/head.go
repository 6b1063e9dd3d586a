package xconnect

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
)

// headLimit is how long the head of an answer may be.
const headLimit = 256 << 10

// head reads what is written on a hijacked connection as the answer that it is
// in HTTP/1.1.
type head struct {
	// answer relays a response that is no 101. It is called at most once, and
	// on a goroutine of its own, since who writes the response may wait for it.
	answer func(*http.Response)

	bytes  []byte
	header http.Header // of a 101

	rest *io.PipeWriter // of another response
	done chan struct{}
}

// add takes bytes of the answer, and returns those behind the head of a 101.
func (h *head) add(p []byte) ([]byte, error) {
	if h.rest != nil {
		_, err := h.rest.Write(p)
		return nil, err
	}
	h.bytes = append(h.bytes, p...)
	for {
		i := bytes.Index(h.bytes, []byte("\r\n\r\n"))
		if i < 0 {
			if len(h.bytes) > headLimit {
				return nil, errors.New("writing the answer to a WebSocket's handshake: its head has no end")
			}
			return nil, nil
		}
		resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(h.bytes[:i+4])), nil)
		switch {
		case err != nil:
			return nil, err
		case resp.StatusCode == http.StatusSwitchingProtocols:
			h.header = resp.Header
			return h.bytes[i+4:], nil
		case resp.StatusCode < 200:
			h.bytes = h.bytes[i+4:] // a hint that browsers do not take here
		default:
			h.relay()
			return nil, nil
		}
	}
}

// switches reports whether a 101 has come.
func (h *head) switches() bool { return h.header != nil }

// relay has what was written so far, and what is to come, read as a response.
func (h *head) relay() {
	from, to := io.Pipe()
	h.rest, h.done = to, make(chan struct{})
	all := bufio.NewReader(io.MultiReader(bytes.NewReader(h.bytes), from))
	go func() {
		defer close(h.done)
		if resp, err := http.ReadResponse(all, nil); err == nil {
			h.answer(resp)
		}
		_, _ = io.Copy(io.Discard, from) // what is behind the response is nobody's
	}()
}

// end says that no more will be written, and waits until what was is relayed.
func (h *head) end() {
	if h.rest != nil {
		_ = h.rest.Close()
		<-h.done
	}
}
