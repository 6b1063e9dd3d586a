package main

import (
	"context"
	"errors"
	"path/filepath"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/causeway-access/causeway/internal/store"
)

// peer is a bare etcd and a client of it.
type peer struct {
	store  *store.Store
	client *clientv3.Client
}

func (b *bench) startPeer(ctx context.Context) (*peer, error) {
	s, err := store.Start(ctx, store.Config{Dir: filepath.Join(b.dir, "peer")})
	if err != nil {
		return nil, err
	}
	client, err := store.Endpoints{Servers: []string{s.Endpoint()}}.Client()
	if err != nil {
		s.Close()
		return nil, err
	}
	return &peer{s, client}, nil
}

func (p *peer) stop() {
	if err := p.client.Close(); err != nil && !errors.Is(err, context.Canceled) {
		panic(err) // nothing but the end of its own context can be wrong here
	}
	p.store.Close()
}
