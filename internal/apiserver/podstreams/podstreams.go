// Package podstreams serves the subresources of pods that lead to their nodes:
// log, exec, attach and portforward. It finds the node and passes the request
// on to its agent; what those say to one another is the kubelet's protocol.
//
// What a client has started ends with the client: when its connection breaks,
// the one to the node is closed, whatever the protocol between.
package podstreams

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/causeway-access/causeway/internal/conn"
)

// Getter reads objects, as the storage of a resource does.
type Getter interface {
	Get(ctx context.Context, name string, options *metav1.GetOptions) (runtime.Object, error)
}

// Nodes says how the agents of nodes are reached.
type Nodes struct {
	// Dial opens connections; a net.Dialer's if nil.
	Dial conn.DialFunc
	// TLS verifies agents, and shows them who asks. Nil reaches none.
	TLS *tls.Config
}

// Config is what the subresources stand on.
type Config struct {
	// Pods and Nodes read the objects.
	Pods, Nodes Getter
	// Reach says how agents are reached.
	Reach Nodes
}

// Streams are the subresources.
type Streams struct {
	Config
	// plain carries logs, unverified too if the client does not care who answers,
	// upgrades connections that end with their request.
	plain, unverified, upgrades *http.Transport
}

const (
	dialTimeout = 10 * time.Second
	idleTimeout = 90 * time.Second
	// idlePerNode is how many connections for logs are kept.
	idlePerNode = 8
)

// New makes the subresources.
func New(config Config) *Streams {
	if config.Reach.Dial == nil {
		config.Reach.Dial = (&net.Dialer{Timeout: dialTimeout}).DialContext
	}
	s := &Streams{Config: config}
	s.plain, s.unverified, s.upgrades = s.transport(), s.transport(), s.transport()
	if config.Reach.TLS != nil {
		s.unverified.TLSClientConfig.InsecureSkipVerify = true //nolint:gosec // asked for by insecureSkipTLSVerifyBackend
	}
	s.upgrades.DialContext = s.dialWithin
	return s
}

func (s *Streams) transport() *http.Transport {
	return &http.Transport{
		DialContext: s.Reach.Dial, TLSClientConfig: s.Reach.TLS.Clone(), TLSHandshakeTimeout: dialTimeout,
		IdleConnTimeout: idleTimeout, MaxIdleConnsPerHost: idlePerNode, DisableCompression: true,
	}
}

// dialWithin dials a connection that ends with ctx, which is a request's.
func (s *Streams) dialWithin(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := s.Reach.Dial(ctx, network, address)
	if err == nil {
		context.AfterFunc(ctx, func() { c.Close() })
	}
	return c, err
}
