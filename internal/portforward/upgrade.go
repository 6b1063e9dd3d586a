package portforward

import (
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

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	names "k8s.io/apimachinery/pkg/util/portforward"
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
	reason := apierrors.NewGenericServerResponse(code, "", schema.GroupResource{}, "", "", 0, false).Status().Reason
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
