package store

import (
	"crypto/tls"
	"fmt"
	"time"

	"go.etcd.io/etcd/client/pkg/v3/transport"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

// Endpoints says how to reach an etcd: the one of [Store], or a cluster that
// runs elsewhere.
type Endpoints struct {
	// Servers are URLs: unix://PATH, http://HOST:PORT or https://HOST:PORT.
	Servers []string
	// CAFile verifies the servers, CertFile and KeyFile are shown to them.
	CAFile, CertFile, KeyFile string
}

// dialTimeout bounds the first connection.
const dialTimeout = 20 * time.Second

// Client connects to the etcd.
func (e Endpoints) Client() (*clientv3.Client, error) {
	config, err := e.tlsConfig()
	if err != nil {
		return nil, err
	}
	return e.client(config)
}

func (e Endpoints) client(config *tls.Config) (*clientv3.Client, error) {
	client, err := clientv3.New(clientv3.Config{
		Endpoints: e.Servers, TLS: config, DialTimeout: dialTimeout, Logger: zap.NewNop(),
	})
	if err != nil {
		return nil, fmt.Errorf("connecting to etcd at %v: %w", e.Servers, err)
	}
	return client, nil
}

// tlsConfig is nil if no file is named.
func (e Endpoints) tlsConfig() (*tls.Config, error) {
	if e.CAFile == "" && e.CertFile == "" {
		return nil, nil
	}
	info := transport.TLSInfo{TrustedCAFile: e.CAFile, CertFile: e.CertFile, KeyFile: e.KeyFile}
	config, err := info.ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("reading the certificates for etcd: %w", err)
	}
	return config, nil
}
