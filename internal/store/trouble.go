package store

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"time"
)

// lookTime bounds the look at one server.
const lookTime = 3 * time.Second

// trouble says what is wrong with connections to the servers, for the client
// library only tells that it got none in time. It is nil if nothing is seen.
func (e Endpoints) trouble(config *tls.Config) error {
	var found []error
	for _, server := range e.Servers {
		if err := look(server, config); err != nil {
			found = append(found, fmt.Errorf("%s: %w", server, err))
		}
	}
	return errors.Join(found...)
}

// look connects as the client library does.
func look(server string, config *tls.Config) error {
	ctx, cancel := context.WithTimeout(context.Background(), lookTime)
	defer cancel()
	u, err := url.Parse(server)
	if err != nil {
		return err
	}
	var c net.Conn
	switch u.Scheme {
	case "unix":
		c, err = (&net.Dialer{}).DialContext(ctx, "unix", u.Path)
	case "https":
		if config == nil {
			config = &tls.Config{}
		}
		config = config.Clone()
		config.NextProtos = []string{"h2"}
		c, err = (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", u.Host)
	default:
		c, err = (&net.Dialer{}).DialContext(ctx, "tcp", u.Host)
	}
	if err != nil {
		return err
	}
	defer c.Close()
	// A server that does not like the client's certificate says so after the
	// handshake (RFC 8446, section 4.4.2.4).
	deadline, _ := ctx.Deadline()
	if err := c.SetReadDeadline(deadline); err != nil {
		return err
	}
	if _, err := c.Read(make([]byte, 1)); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	return nil
}
