package load

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/sync/errgroup"
)

// dial opens a TLS connection for HTTP/1.1, from an address of this machine or
// from any if that is nil.
func dial(ctx context.Context, r Request, from net.Addr) (net.Conn, error) {
	u, err := url.Parse(r.URL)
	if err != nil {
		return nil, err
	}
	config := &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}} // #nosec G402: see Request.URL
	if r.Certificate != "" {
		pair, err := tls.LoadX509KeyPair(r.Certificate, r.Certificate)
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return (&tls.Dialer{NetDialer: &net.Dialer{LocalAddr: from}, Config: config}).DialContext(ctx, "tcp", u.Host)
}

// Idle holds connections that have each had one answer and are kept open.
type Idle struct{ connections []net.Conn }

// sources is how many addresses of the loopback network connections come
// from: what limits each client's connections is not what is measured.
const sources = 8

// OpenIdle opens that many connections to a server on loopback. The caller
// closes what it returns, with an error, too.
func OpenIdle(ctx context.Context, r Request, count int) (*Idle, error) {
	idle := &Idle{connections: make([]net.Conn, count)}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(32)
	for i := range count {
		group.Go(func() (err error) {
			idle.connections[i], err = openOne(ctx, r, net.IPv4(127, 0, 0, byte(1+i%sources)))
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return idle, fmt.Errorf("open %d connections: %w", count, err)
	}
	return idle, nil
}

func openOne(ctx context.Context, r Request, from net.IP) (net.Conn, error) {
	c, err := dial(ctx, r, &net.TCPAddr{IP: from})
	if err != nil {
		return nil, err
	}
	return c, ask(c, r)
}

// ask makes one request and reads its answer to the end.
func ask(c net.Conn, r Request) error {
	request, err := http.NewRequest(http.MethodGet, r.URL, nil)
	if err != nil {
		return err
	}
	if r.Authorization != "" {
		request.Header.Set("Authorization", r.Authorization)
	}
	if err := request.Write(c); err != nil {
		return err
	}
	answer, err := http.ReadResponse(bufio.NewReaderSize(c, 512), request)
	if err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("asked for %s and got %s", r.URL, answer.Status)
	}
	return nil
}

// Alive returns an error unless every connection is still open. It takes a
// sample of them, and asks once more on each.
func (i *Idle) Alive(r Request) error {
	for n := 0; n < len(i.connections); n += max(1, len(i.connections)/100) {
		c := i.connections[n]
		if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
			return err
		}
		if err := ask(c, r); err != nil {
			return fmt.Errorf("connection %d of %d was not kept: %w", n, len(i.connections), err)
		}
	}
	return nil
}

// Close closes all connections.
func (i *Idle) Close() error {
	var errs []error
	for _, c := range i.connections {
		if c != nil {
			errs = append(errs, c.Close())
		}
	}
	return errors.Join(errs...)
}
