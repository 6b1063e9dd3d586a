package tunnel

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"golang.org/x/net/http2"
)

// link is one tunnel, at the end that dials.
type link struct {
	conn *watched
	http *http2.ClientConn
}

// newLink takes over a connection on which the other end answers HTTP/2.
func newLink(c net.Conn, pings Pings) (*link, error) {
	protocols := new(http.Protocols)
	protocols.SetHTTP2(true)
	t, err := http2.ConfigureTransports(&http.Transport{
		Protocols: protocols,
		HTTP2:     &http.HTTP2Config{MaxReceiveBufferPerStream: streamWindow, MaxReceiveBufferPerConnection: allWindows},
	})
	if err != nil {
		return nil, fmt.Errorf("preparing the tunnel: %w", err)
	}
	t.DisableCompression = true
	t.StrictMaxConcurrentStreams = true // more wait for their turn
	t.ReadIdleTimeout = cmp.Or(pings.After, defaultPing)
	t.PingTimeout = cmp.Or(pings.Timeout, defaultPing)
	l := &link{conn: &watched{Conn: c, ended: make(chan struct{})}}
	if l.http, err = t.NewClientConn(l.conn); err != nil {
		l.conn.Close()
		return nil, fmt.Errorf("opening the tunnel: %w", err)
	}
	return l, nil
}

// watched is a connection that tells when it is closed.
type watched struct {
	net.Conn
	once  sync.Once
	ended chan struct{}
}

// Close implements [net.Conn].
func (w *watched) Close() error {
	w.once.Do(func() { close(w.ended) })
	return w.Conn.Close()
}

// mostRefusal bounds what is read of why something was refused.
const mostRefusal = 1 << 10

// dial opens a connection through the tunnel. The end of ctx ends only the
// dialling.
func (l *link) dial(ctx context.Context, address string) (net.Conn, error) {
	life, reset := context.WithCancel(context.WithoutCancel(ctx))
	s := newStream(address, reset)
	dialled := context.AfterFunc(ctx, reset)
	response, err := l.http.RoundTrip((&http.Request{
		Method: http.MethodConnect, URL: &url.URL{Scheme: "https", Host: address}, Host: address,
		Header: http.Header{}, Body: upload{s}, ContentLength: -1,
	}).WithContext(life))
	if !dialled() && err == nil {
		response.Body.Close()
		err = ctx.Err()
	}
	if err == nil && response.StatusCode != http.StatusOK {
		err = refusal(response)
	}
	if err != nil {
		reset()
		s.Close()
		return nil, cmp.Or(ctx.Err(), err)
	}
	go s.receive(response.Body)
	return s, nil
}

// answered is what the other end says of an address that it has not connected
// with.
type answered struct {
	status int
	text   string
}

func (a *answered) Error() string { return a.text }

func refusal(response *http.Response) error {
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, mostRefusal))
	if said := strings.TrimSpace(string(text)); said != "" {
		return &answered{response.StatusCode, said}
	}
	return cmp.Or(err, error(&answered{response.StatusCode, "the answer was " + response.Status}))
}

// over tells whether nothing more can be dialled.
func (l *link) over() bool {
	select {
	case <-l.conn.ended:
		return true
	default:
		return !l.http.CanTakeNewRequest()
	}
}
