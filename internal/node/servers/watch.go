package servers

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	restclient "k8s.io/client-go/rest"

	"github.com/causeway-access/causeway/internal/conn"
)

const (
	// lookEvery is how often the current server is asked whether it is ready, and
	// lookTime how long it may take to say so. Two failures in a row count: less
	// than half of the time after which a node is taken for silent.
	lookEvery, lookTime = 5 * time.Second, 5 * time.Second
	patience            = 2
)

// Watch looks at the current server until ctx ends, and turns to another one
// when it is not ready and the other is: a machine that is gone says nothing,
// and one that has lost its etcd still takes connections. Api is how the node
// shows itself.
func (s *Set) Watch(ctx context.Context, api *restclient.Config) error {
	client := &http.Client{Transport: &http.Transport{DialTLSContext: s.session(api)}}
	defer client.CloseIdleConnections()
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for failures := 0; ; {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		order := s.order()
		if len(order) == 1 || look(ctx, client, order[0]) == nil {
			failures = 0
			continue
		}
		if failures++; failures < patience {
			continue
		}
		for _, other := range order[1:] {
			if look(ctx, client, other) == nil && ctx.Err() == nil {
				s.turn(other)
				failures = 0
				break
			}
		}
	}
}

// session makes a dial function for TLS to the very address that it is given. The
// node's certificate is read each time, for it is renewed.
func (s *Set) session(api *restclient.Config) conn.DialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		config, err := restclient.TLSConfigFor(api)
		if err != nil {
			return nil, err
		}
		c, err := s.cfg.Dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		session := tls.Client(c, config)
		if err := session.HandshakeContext(ctx); err != nil {
			c.Close()
			return nil, err
		}
		return session, nil
	}
}

// look asks a server whether it is ready. That it does not tell us is an answer
// too: of one that is alive.
func look(ctx context.Context, client *http.Client, server string) error {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+server+"/readyz", nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(r)
	if err != nil {
		client.CloseIdleConnections()
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)); err != nil {
		return err
	}
	if resp.StatusCode >= http.StatusInternalServerError {
		return fmt.Errorf("API server %s is not ready: /readyz answers %s", server, resp.Status)
	}
	return nil
}
