package node

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"k8s.io/apiserver/pkg/server/dynamiccertificates"
	restclient "k8s.io/client-go/rest"

	"github.com/causeway-access/causeway/internal/conn"
	"github.com/causeway-access/causeway/internal/node/servers"
	"github.com/causeway-access/causeway/internal/node/upkeep"
	"github.com/causeway-access/causeway/internal/svcproxy"
)

// RunDir is what the runtime of pods has in the node's directory.
const RunDir = "run"

// Config says which node this is and of which cluster.
type Config struct {
	// Name is that of the Node object. Required.
	Name string
	// Addresses are those by which the cluster reaches this machine, the first
	// being the main one. Required.
	Addresses []netip.Addr
	// API is how the node speaks to the API server, as itself: as user
	// system:node:NAME of group system:nodes. Required.
	API *restclient.Config

	// Servers are the API servers that API leads to, if there may be several. Nil
	// means the one that API names.
	Servers *servers.Set

	// Dir holds all that the node keeps: pods, images, volumes, logs. It is made
	// if missing, for its owner alone. Required.
	Dir string
	// Hidden are directories of the machine that pods of the host image see
	// empty, beside Dir.
	Hidden []string
	// RuntimeEndpoint is the socket of a container runtime that speaks CRI.
	// Empty means that the node runs pods by itself.
	RuntimeEndpoint string

	// Listen is HOST:PORT of the node's own API. Port 0 is any free one. Required.
	Listen string
	// Tunnelled says that the API servers cannot reach the node's addresses nor
	// its pods'. Then it is known to the cluster by its name alone, and keeps a
	// tunnel to each of them, by which both are reached.
	Tunnelled bool
	// Outside dials from the machine's network, for an agent that is in another
	// one: what is neither a pod of this node nor a service. Nil means that the
	// agent's network is the machine's.
	Outside conn.DialFunc
	// NodeListen and NodeListenPacket open ports in the machine's network, for an
	// agent that is in another one: node ports of services, and host ports of
	// pods. Nil as Outside is.
	NodeListen       func(ctx context.Context, network, address string) (net.Listener, error)
	NodeListenPacket func(ctx context.Context, network, address string) (*net.UDPConn, error)
	// Certificate is what that API shows; the names and addresses of the node
	// are in it. Required.
	Certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)
	// ClientCA is the authority of the certificates of those who may ask. Required.
	ClientCA dynamiccertificates.CAContentProvider

	// ServiceRanges are where services' addresses are. Pods reach them through
	// the node. Required.
	ServiceRanges []netip.Prefix
	// Static are ways to services which need no endpoints, because what serves
	// them is on this machine.
	Static []*svcproxy.Rule
	// ClusterDNS are the servers of the cluster's names. None means that pods
	// ask the machine's.
	ClusterDNS []netip.Addr
	// ServeDNS has the agent itself answer for the cluster's names, to what asks
	// the first of ClusterDNS on this machine.
	ServeDNS bool
	// PodRange is where the pods of all nodes have their addresses. With it
	// the agent sets routes to those of the other nodes, which must be
	// neighbours of this machine on one of its networks.
	PodRange netip.Prefix

	// Upkeep says how much of the disk may be used. The zero value is the usual.
	Upkeep upkeep.Settings

	// Register takes the agent's metrics, as [prometheus.Registerer] does, and
	// Metrics shows them. With neither the agent has some of its own.
	Register func(prometheus.Collector) error
	Metrics  prometheus.Gatherer
	// Log is slog.Default() if nil.
	Log *slog.Logger
}

func (c *Config) complete() error {
	switch {
	case c.Name == "", len(c.Addresses) == 0, c.API == nil, c.Dir == "":
		return errors.New("configuring the node: a name, an address, a way to the API and a directory are required")
	case c.Listen == "", c.Certificate == nil, c.ClientCA == nil:
		return errors.New("configuring the node: where its API listens, its certificate and its clients' authority are required")
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if err := c.Upkeep.Check(); err != nil {
		return fmt.Errorf("configuring the node: %w", err)
	}
	if c.Register == nil && c.Metrics == nil {
		c.measureItself()
	}
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return fmt.Errorf("making the node's directory: %w", err)
	}
	return nil
}

// measureItself has the agent's metrics shown, with those of its process.
func (c *Config) measureItself() {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	c.Register, c.Metrics = registry.Register, registry
}

// Check says why this machine cannot be a node; nil if it can, as far as can be
// seen without trying.
func Check() error {
	if runtime.GOOS != "linux" {
		return fmt.Errorf("pods are run by Linux, not by %s", runtime.GOOS)
	}
	return nil
}

// path is a directory of the node's.
func (c *Config) path(name string) string { return filepath.Join(c.Dir, name) }
