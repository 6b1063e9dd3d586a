// Package store keeps the cluster's objects: an etcd of one member inside
// this process, reached only through unix sockets in a directory that
// nobody else may enter.
//
// It is a leaf of floor 1: the API server is given an endpoint and never
// learns whether the etcd behind it is this one or a cluster elsewhere.
package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
	"go.etcd.io/etcd/server/v3/storage/wal"
)

// Config says where the store lives.
type Config struct {
	// Dir holds the data and the sockets. It is made if absent, with mode 0700.
	Dir string
	// Quota is the size in bytes at which writes are refused. Zero means 4 GiB.
	Quota int64
	// StartTimeout bounds the wait for the member to lead itself. Zero means a minute.
	StartTimeout time.Duration
	// Log hears of errors. Nil means slog.Default().
	Log *slog.Logger
}

// Store is a running etcd member.
type Store struct {
	etcd     *embed.Etcd
	endpoint string
	end      *failure
}

// Start opens the store in cfg.Dir, making an empty one if there is none, and
// returns when it takes writes. The caller sees to it that no other process
// has the directory open.
func Start(ctx context.Context, cfg Config) (*Store, error) {
	if err := makePrivateDir(cfg.Dir); err != nil {
		return nil, err
	}
	client, err := socket(cfg.Dir, "etcd.sock")
	if err != nil {
		return nil, err
	}
	s := &Store{endpoint: "unix://" + client.Path, end: newFailure()}
	ec, err := memberConfig(cfg, client, s.end)
	if err != nil {
		return nil, err
	}
	if err := probe(filepath.Join(ec.Dir, "member", "snap", "db")); err != nil {
		return nil, fmt.Errorf("opening the store in %s: %w", cfg.Dir, damaged(err))
	}
	if err := s.start(ctx, cfg, ec); err != nil {
		return nil, fmt.Errorf("opening the store in %s: %w", cfg.Dir, err)
	}
	return s, nil
}

// Endpoint is the address an etcd client dials.
func (s *Store) Endpoint() string { return s.endpoint }

// Failed delivers an error if the member stops by itself.
func (s *Store) Failed() <-chan error { return s.end.reason }

// Close stops the member. Every acknowledged write is on disk before that
// already. A member that has failed is left as it is: it holds locks that
// nobody will give back, and goes with the process.
func (s *Store) Close() {
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		s.etcd.Close()
	}()
	select {
	case <-closed:
	case <-s.end.halted:
	}
}

// start runs the member and waits until it takes writes. After a failure of
// etcd's own the goroutine that starts it may stay behind: the process is
// about to end over it.
func (s *Store) start(ctx context.Context, cfg Config, ec *embed.Config) error {
	limit := cfg.StartTimeout
	if limit == 0 {
		limit = time.Minute
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	started := make(chan error, 1)
	go func() { started <- s.launch(ctx, ec) }()
	select {
	case err := <-started:
		return err
	case err := <-s.end.reason:
		if errors.Is(err, errDiskFull) {
			return err
		}
		return damaged(err)
	case <-ctx.Done():
		return fmt.Errorf("not ready after %s: %w", limit, ctx.Err())
	}
}

func (s *Store) launch(ctx context.Context, ec *embed.Config) error {
	member, err := embed.StartEtcd(ec)
	if errors.Is(err, wal.ErrCRCMismatch) || errors.Is(err, wal.ErrSnapshotMismatch) || errors.Is(err, wal.ErrMetadataConflict) {
		return damaged(err)
	}
	if err != nil {
		return err
	}
	select {
	case <-member.Server.ReadyNotify():
	case err = <-member.Err():
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		member.Close()
		return err
	}
	s.etcd = member
	go s.follow()
	return nil
}

// follow passes on the errors of the running member.
func (s *Store) follow() {
	for err := range s.etcd.Err() {
		s.end.tell(err)
	}
}

// memberConfig describes a single member that listens on unix sockets alone.
func memberConfig(cfg Config, client url.URL, end *failure) (*embed.Config, error) {
	side, err := socket(cfg.Dir, "http.sock")
	if err != nil {
		return nil, err
	}
	peer, err := socket(cfg.Dir, "peer.sock")
	if err != nil {
		return nil, err
	}
	ec := embed.NewConfig()
	ec.Name = "causeway"
	ec.Dir = filepath.Join(cfg.Dir, "member")
	log := cfg.Log
	if log == nil {
		log = slog.Default()
	}
	ec.Logger, ec.ZapLoggerBuilder = "zap", logTo(log, end)
	ec.ListenClientUrls, ec.AdvertiseClientUrls = []url.URL{client}, []url.URL{client}
	// Its own socket for HTTP spares gRPC the protocol sniffing in front.
	ec.ListenClientHttpUrls = []url.URL{side}
	// Peers listen on the URL's host, not its path: with a path alone etcd
	// binds an abstract socket that any local process may dial.
	ec.ListenPeerUrls = []url.URL{{Scheme: "unix", Host: peer.Path}}
	ec.AdvertisePeerUrls = []url.URL{{Scheme: "http", Host: "localhost:2380"}} // parsed, never dialled
	ec.InitialCluster = ec.InitialClusterFromName(ec.Name)
	ec.TickMs, ec.ElectionMs = 10, 100 // nobody to be elected against
	ec.QuotaBackendBytes = cfg.Quota
	if ec.QuotaBackendBytes == 0 {
		ec.QuotaBackendBytes = 4 << 30
	}
	ec.AutoCompactionMode, ec.AutoCompactionRetention = "periodic", "10m"
	ec.WatchProgressNotifyInterval = 5 * time.Second
	return ec, nil
}

// maxSocketPath is what fits into sockaddr_un on Linux, less the final NUL.
const maxSocketPath = 107

// socket names a unix socket in dir and removes what a killed process left there.
func socket(dir, name string) (url.URL, error) {
	path := filepath.Join(dir, name)
	if len(path) > maxSocketPath {
		return url.URL{}, fmt.Errorf("the path of the store's socket %s is longer than the %d bytes a socket may have: choose a shorter data directory", path, maxSocketPath)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return url.URL{}, fmt.Errorf("removing a left-over socket: %w", err)
	}
	return url.URL{Scheme: "unix", Path: path}, nil
}

func makePrivateDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("making the store's directory: %w", err)
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return fmt.Errorf("closing the store's directory to others: %w", err)
	}
	return nil
}
