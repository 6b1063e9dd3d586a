package portforward

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	names "k8s.io/apimachinery/pkg/util/portforward"
	tunnels "k8s.io/client-go/tools/portforward"
	"k8s.io/streaming/pkg/httpstream"
	"k8s.io/streaming/pkg/httpstream/spdy"
)

// pingPeriod keeps sessions alive that something between would take for dead.
const pingPeriod = 10 * time.Second

// connect makes a session, by a WebSocket or, if none gets through, by SPDY.
func (d *Dialer) connect(ctx context.Context, path string) (*session, error) {
	if d.noTunnel.Load() {
		return d.upgrade(ctx, path, d.spdy)
	}
	s, err := d.upgrade(ctx, path, d.tunnel)
	var status *apierrors.StatusError
	if err == nil || !errors.As(err, &status) || apierrors.IsNotFound(err) || apierrors.IsUnauthorized(err) {
		return s, err
	}
	d.cfg.Log.Debug("no WebSocket to the API server; trying SPDY", "path", path, "error", err)
	if s, err = d.upgrade(ctx, path, d.spdy); err == nil {
		d.noTunnel.Store(true)
	}
	return s, err
}

// upgrade makes a session of a connection that open upgrades. The end of
// ctx ends the attempt; the request's own context lives as long as the session.
func (d *Dialer) upgrade(ctx context.Context, path string, open func(context.Context, string) (net.Conn, error)) (*session, error) {
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, end)
	raw, err := open(life, path)
	if !stop() && err == nil {
		raw.Close()
		err = context.Cause(ctx)
	}
	if err == nil {
		var conn httpstream.Connection
		if conn, err = spdy.NewClientConnectionWithPings(raw, pingPeriod); err == nil {
			return &session{of: d, path: path, conn: conn, raw: under(raw), end: end}, nil
		}
	}
	end()
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return nil, err
}

// spdy upgrades a connection to SPDY.
func (d *Dialer) spdy(ctx context.Context, path string) (net.Conn, error) {
	body, _, err := d.send(ctx, http.MethodPost, path, http.Header{
		httpstream.HeaderConnection: {httpstream.HeaderUpgrade}, httpstream.HeaderUpgrade: {spdy.HeaderSpdy31},
		httpstream.HeaderProtocolVersion: {names.PortForwardV1Name},
	})
	if err != nil {
		return nil, err
	}
	return &upgraded{ReadWriteCloser: body, r: body}, nil
}

// tunnel upgrades a connection to a WebSocket that carries SPDY.
func (d *Dialer) tunnel(ctx context.Context, path string) (net.Conn, error) {
	through := &handshake{of: d, ctx: ctx, path: path}
	dialer := websocket.Dialer{
		NetDialContext: func(context.Context, string, string) (net.Conn, error) { return through, nil },
		Subprotocols:   []string{names.WebsocketsSPDYTunnelingPortForwardV1},
		ReadBufferSize: 33 << 10, WriteBufferSize: 33 << 10,
	}
	ws, _, err := dialer.DialContext(ctx, "ws://apiserver"+path, nil)
	if err != nil {
		return nil, err
	}
	if ws.Subprotocol() != names.WebsocketsSPDYTunnelingPortForwardV1 {
		ws.Close()
		return nil, statusError(http.StatusBadRequest, "the API server does not speak "+names.WebsocketsSPDYTunnelingPortForwardV1)
	}
	return &tunnelled{tunnels.NewTunnelingConnection("client", ws), through}, nil
}

// tunnelled is the connection inside a WebSocket.
type tunnelled struct {
	*tunnels.TunnelingConnection
	raw io.Closer
}

// Close says goodbye if it can. The library would wait for somebody to hear of
// an error.
func (t *tunnelled) Close() error {
	_ = t.TunnelingConnection.Close()
	return nil
}

// under returns what is to be closed to end a connection at once.
func under(c net.Conn) io.Closer {
	if t, ok := c.(*tunnelled); ok {
		return t.raw
	}
	return c
}

// send asks for an upgrade and returns the upgraded connection.
func (d *Dialer) send(ctx context.Context, method, path string, h http.Header) (io.ReadWriteCloser, *http.Response, error) {
	resp, err := d.roundTrip(ctx, method, path, h)
	if err != nil {
		return nil, nil, err
	}
	if resp.StatusCode != http.StatusSwitchingProtocols {
		defer resp.Body.Close()
		return nil, nil, statusOf(resp)
	}
	body, ok := resp.Body.(io.ReadWriteCloser)
	if !ok {
		resp.Body.Close()
		return nil, nil, errors.New("the connection to the API server cannot be upgraded")
	}
	return body, resp, nil
}

func (d *Dialer) roundTrip(ctx context.Context, method, path string, h http.Header) (*http.Response, error) {
	path, query, _ := strings.Cut(path, "?")
	u := *d.cfg.URL
	u.Path, u.RawQuery = strings.TrimSuffix(u.Path, "/")+path, query
	r, err := http.NewRequestWithContext(ctx, method, u.String(), nil)
	if err != nil {
		return nil, err
	}
	if r.Header = h; h == nil {
		r.Header = make(http.Header)
	}
	return d.cfg.API.RoundTrip(r)
}

// statusOf returns the error that an answer is.
func statusOf(resp *http.Response) error {
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxMessage))
	if err != nil {
		return fmt.Errorf("reading the API server's answer (%s): %w", resp.Status, err)
	}
	var status metav1.Status
	if json.Unmarshal(text, &status) == nil && status.Kind == "Status" && status.Message != "" {
		return &apierrors.StatusError{ErrStatus: status}
	}
	return statusError(resp.StatusCode, strings.TrimSpace(resp.Status+": "+string(text)))
}

func statusError(code int, message string) error {
	reason := metav1.StatusReasonUnknown
	switch code {
	case http.StatusNotFound:
		reason = metav1.StatusReasonNotFound
	case http.StatusUnauthorized:
		reason = metav1.StatusReasonUnauthorized
	case http.StatusForbidden:
		reason = metav1.StatusReasonForbidden
	case http.StatusMethodNotAllowed:
		reason = metav1.StatusReasonMethodNotAllowed
	}
	return &apierrors.StatusError{ErrStatus: metav1.Status{Status: metav1.StatusFailure, Code: int32(code), Reason: reason, Message: message}}
}

// upgraded is an upgraded connection, which has no deadlines. It may be closed
// again, which is no error: the libraries would wait for somebody to hear of it.
type upgraded struct {
	io.ReadWriteCloser // nil before it is upgraded
	r                  io.Reader
	once               sync.Once
}

func (u *upgraded) Close() (err error) {
	u.once.Do(func() {
		if u.ReadWriteCloser != nil {
			err = u.ReadWriteCloser.Close()
		}
	})
	return err
}

func (u *upgraded) Read(p []byte) (int, error)       { return u.r.Read(p) }
func (u *upgraded) LocalAddr() net.Addr              { return addr("") }
func (u *upgraded) RemoteAddr() net.Addr             { return addr("") }
func (u *upgraded) SetDeadline(time.Time) error      { return nil }
func (u *upgraded) SetReadDeadline(time.Time) error  { return nil }
func (u *upgraded) SetWriteDeadline(time.Time) error { return nil }

// handshake is the connection that the WebSocket library thinks it has. The
// request that it writes there goes the API's own way, which knows credentials
// and servers, and it reads the answer, and from then on what was upgraded.
type handshake struct {
	upgraded
	of   *Dialer
	ctx  context.Context
	path string
	head bytes.Buffer
}

func (h *handshake) Write(p []byte) (int, error) {
	if h.ReadWriteCloser != nil {
		return h.ReadWriteCloser.Write(p)
	}
	h.head.Write(p)
	if !bytes.Contains(h.head.Bytes(), []byte("\r\n\r\n")) {
		return len(p), nil
	}
	r, err := http.ReadRequest(bufio.NewReader(&h.head))
	if err != nil {
		return 0, err
	}
	body, resp, err := h.of.send(h.ctx, r.Method, h.path, r.Header)
	if err != nil {
		return 0, err
	}
	var answer bytes.Buffer
	fmt.Fprintf(&answer, "HTTP/1.1 %s\r\n", resp.Status)
	if err := resp.Header.Write(&answer); err != nil {
		body.Close()
		return 0, err
	}
	answer.WriteString("\r\n")
	h.ReadWriteCloser, h.r = body, io.MultiReader(&answer, body)
	return len(p), nil
}
