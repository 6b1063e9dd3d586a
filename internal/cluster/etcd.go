package cluster

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/url"
	"time"

	"github.com/causeway-access/causeway/internal/certs"
	"github.com/causeway-access/causeway/internal/store"
)

// Keys in etcd by which API servers know that they are of one cluster.
const (
	authorityClaim  = "/causeway/authority"
	signingKeyClaim = "/causeway/signing-key"
)

// neverRotate is for signing keys that several API servers have copies of: one
// that makes a new key would sign what the others cannot verify.
const neverRotate = time.Duration(math.MaxInt64)

// shared says that the etcd is not ours alone, so that there may be other API
// servers on it.
func (s *settings) shared() bool { return len(s.Etcd.Servers) > 0 }

// openStore opens the embedded etcd, or joins the one that was named.
func (c *Cluster) openStore(ctx context.Context) error {
	if c.shared() {
		c.store = c.Etcd
		return c.claim(ctx, authorityClaim, certs.Fingerprint(c.authority.Certificate()), "certificate authority")
	}
	s, err := store.Start(ctx, store.Config{Dir: c.path("etcd"), Log: c.log})
	if err != nil {
		return err
	}
	c.store = store.Endpoints{Servers: []string{s.Endpoint()}}
	c.onStop(func(context.Context) error { s.Close(); return nil })
	c.run("the store", func(ctx context.Context) error {
		select {
		case err := <-s.Failed():
			return err
		case <-ctx.Done():
			return nil
		}
	})
	return nil
}

// claim has the cluster know this server by what it must have in common with
// the others, or says that it is not one of them.
func (c *Cluster) claim(ctx context.Context, key, own, what string) error {
	theirs, err := c.store.Claim(ctx, key, own)
	if err != nil {
		return fmt.Errorf("%w: is it running, and are --etcd-servers and the certificates for it right?", err)
	}
	if theirs != own {
		return fmt.Errorf("the cluster in this etcd has another %s (%s) than %s (%s): all API servers of a cluster must have the same; stop this one, copy the directory pki and the users' files from a server of that cluster over those here, and start again", what, theirs, c.path("pki"), own)
	}
	return nil
}

// checkEtcd checks the flags of an etcd elsewhere.
func (s *settings) checkEtcd() error {
	e := s.Etcd
	if len(e.Servers) == 0 && (e.CAFile != "" || e.CertFile != "" || e.KeyFile != "") {
		return errors.New("--etcd-cafile, --etcd-certfile and --etcd-keyfile are for the servers of --etcd-servers, which is not given")
	}
	if (e.CertFile == "") != (e.KeyFile == "") {
		return errors.New("--etcd-certfile and --etcd-keyfile belong together: one of them is not given")
	}
	for _, server := range e.Servers {
		u, err := url.Parse(server)
		if err != nil {
			return fmt.Errorf("--etcd-servers: %w", err)
		}
		if (u.Scheme != "http" && u.Scheme != "https" || u.Host == "") && (u.Scheme != "unix" || u.Path == "") {
			return fmt.Errorf("--etcd-servers %q: want a URL such as https://10.0.0.1:2379", server)
		}
	}
	return nil
}
