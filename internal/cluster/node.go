package cluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"syscall"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apiserver/pkg/server/dynamiccertificates"
	restclient "k8s.io/client-go/rest"

	"github.com/causeway-access/causeway/internal/certs"
	"github.com/causeway-access/causeway/internal/node"
	"github.com/causeway-access/causeway/internal/node/apart"
	"github.com/causeway-access/causeway/internal/node/upkeep"
	"github.com/causeway-access/causeway/internal/svcproxy"
)

// NodeConfig says whether this machine is a node of the cluster, which runs
// pods. The zero value is that it is not.
type NodeConfig struct {
	// Run has pods run here, if the machine can; Required has the start fail if
	// it cannot.
	Run, Required bool
	// Name is that of the Node object. Empty means this machine's name.
	Name string
	// Listen is HOST:PORT of the node's own API. Empty means port 10250 where
	// the cluster's API listens.
	Listen string
	// RuntimeEndpoint is the socket of a container runtime that speaks CRI.
	// Empty means that pods are run without one.
	RuntimeEndpoint string
	// Upkeep says how much of the disk may be used. The zero value is the usual.
	Upkeep upkeep.Settings
}

// NodeDir is the node's directory in the cluster's.
const NodeDir = "node"

// nodeAPIPort is that of kubelets.
const nodeAPIPort = "10250"

// Port numbers that clients inside the cluster use.
const (
	kubernetesPort = 443
	dnsPort        = 53
)

func (s *settings) checkNode() error {
	n := &s.Node
	if !n.Run {
		return nil
	}
	if err := n.Upkeep.Check(); err != nil {
		return err
	}
	if n.Name == "" {
		host, err := os.Hostname()
		if err != nil {
			return fmt.Errorf("--node-name: this machine's name cannot be found: %w", err)
		}
		n.Name = strings.ToLower(host)
	}
	if bad := validation.IsDNS1123Subdomain(n.Name); len(bad) > 0 {
		return fmt.Errorf("--node-name %q: %s", n.Name, strings.Join(bad, "; "))
	}
	if n.Listen == "" {
		host, _, err := net.SplitHostPort(s.Listen)
		if err != nil {
			return fmt.Errorf("--listen %q: %w", s.Listen, err)
		}
		n.Listen = net.JoinHostPort(host, nodeAPIPort)
	}
	if err := checkListen(n.Listen); err != nil {
		return fmt.Errorf("--node-listen %q: %w", n.Listen, err)
	}
	return nil
}

// agent is a node's agent, in this process or in one of its own.
type agent interface {
	// Run is the node until ctx ends.
	Run(ctx context.Context) error
	// Ready is closed when pods can run.
	Ready() <-chan struct{}
}

// withoutNode goes on without a node where none can be and none is insisted on.
func (c *Cluster) withoutNode(why error) error {
	if c.Node.Required {
		return why
	}
	c.Node.Run, c.noNode = false, why
	c.log.Info("No pods can run on this machine", "reason", why)
	return nil
}

// prepareNode finds out whether this machine can be a node, and takes the port
// of the node's API before anything is changed.
func (c *Cluster) prepareNode(ctx context.Context) error {
	if !c.Node.Run {
		return nil
	}
	if apart.Needed(c.Node.RuntimeEndpoint) {
		return c.prepareNodeApart(ctx)
	}
	if err := node.Check(); err != nil {
		return c.withoutNode(err)
	}
	cfg, err := c.nodeConfig()
	if err != nil {
		return err
	}
	a, err := node.New(cfg)
	if errors.Is(err, syscall.EADDRINUSE) {
		return c.withoutNode(fmt.Errorf("%w: another program has the port; choose another with --node-listen", err))
	}
	if errors.Is(err, fs.ErrPermission) {
		return c.withoutNode(err)
	}
	if err == nil {
		c.node = a
		c.allowOwnNode()
	}
	return err
}

// allowOwnNode lets the gateway dial this machine's node where it has a loopback
// address, as has a cluster that listens there or a machine without a network:
// otherwise nobody would reach the node's own API and pods with hostNetwork. The
// cluster's own port stays forbidden.
func (c *Cluster) allowOwnNode() {
	if at := c.at.advertised.Addr(); at.IsLoopback() {
		c.allowed = append(c.allowed, netip.PrefixFrom(at, at.BitLen()))
	}
}

// prepareNodeApart prepares the node of a user who is not root.
func (c *Cluster) prepareNodeApart(ctx context.Context) error {
	if err := apart.Check(ctx); err != nil {
		return c.withoutNode(err)
	}
	client, serving, err := c.keepNodeCertificates()
	if err != nil {
		return err
	}
	_, text, err := net.SplitHostPort(c.Node.Listen)
	if err != nil {
		return err
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return fmt.Errorf("the port of the node's API: %w", err)
	}
	c.node = apart.New(apart.Settings{
		Name: c.Node.Name, Addresses: []netip.Addr{c.at.advertised.Addr()}, Port: uint16(port),
		Dir: c.path(NodeDir), Hidden: []string{c.DataDir}, Upkeep: c.Node.Upkeep,
		ServiceRanges: []netip.Prefix{c.serviceCIDR}, PodRange: c.podCIDR, Static: c.nearby(), ClusterDNS: []netip.Addr{c.dnsServiceIP()},
		Server: "https://" + c.at.local.String(), CAFile: c.authority.CertFile(),
		ClientCert: client.CertFile, ClientKey: client.KeyFile, ServingCert: serving.CertFile, ServingKey: serving.KeyFile,
	}, c.log)
	return nil
}

// keepNodeCertificates gives the node its certificates: it is of this machine
// and needs not ask for them.
func (c *Cluster) keepNodeCertificates() (client, serving *certs.Kept, err error) {
	ctx, cancel := context.WithCancel(context.Background())
	c.onStop(func(context.Context) error { cancel(); return nil })
	client, err = certs.Keep(ctx, c.authority, certs.KeepConfig{Dir: c.path("pki"), Name: "node-client", Log: c.log, Leaf: certs.Leaf{
		CommonName: "system:node:" + c.Node.Name, Organizations: []string{"system:nodes"}, Client: true,
	}})
	if err != nil {
		return nil, nil, err
	}
	address := c.at.advertised.Addr()
	serving, err = certs.Keep(ctx, c.authority, certs.KeepConfig{Dir: c.path("pki"), Name: "node-serving", Log: c.log, Leaf: certs.Leaf{
		CommonName: "system:node:" + c.Node.Name, Organizations: []string{"system:nodes"}, Server: true,
		DNSNames: []string{c.Node.Name}, IPs: []net.IP{address.AsSlice()},
	}})
	return client, serving, err
}

func (c *Cluster) nodeConfig() (node.Config, error) {
	client, serving, err := c.keepNodeCertificates()
	if err != nil {
		return node.Config{}, err
	}
	clients, err := dynamiccertificates.NewStaticCAContent("the cluster's authority", c.authority.CertPEM())
	if err != nil {
		return node.Config{}, err
	}
	return node.Config{
		Name: c.Node.Name, Addresses: []netip.Addr{c.at.advertised.Addr()}, Listen: c.Node.Listen,
		API: &restclient.Config{
			Host: "https://" + c.at.local.String(), UserAgent: "causeway-node",
			TLSClientConfig: restclient.TLSClientConfig{CAFile: c.authority.CertFile(), CertFile: client.CertFile, KeyFile: client.KeyFile},
		},
		Dir: c.path(NodeDir), Hidden: []string{c.DataDir}, RuntimeEndpoint: c.Node.RuntimeEndpoint, Upkeep: c.Node.Upkeep,
		Certificate: serving.GetCertificate, ClientCA: clients,
		ServiceRanges: []netip.Prefix{c.serviceCIDR}, PodRange: c.podCIDR, Static: c.nearby(),
		ClusterDNS: []netip.Addr{c.dnsServiceIP()},
		Register:   c.metrics.Register, Metrics: c.metrics, Log: c.log,
	}, nil
}

// nearby are the services that this very process is. Their endpoints may be on
// loopback, where nobody else would reach them.
func (c *Cluster) nearby() []*svcproxy.Rule {
	rule := func(name string, protocol corev1.Protocol, service netip.Addr, port uint16, at netip.AddrPort) *svcproxy.Rule {
		return &svcproxy.Rule{
			Key: svcproxy.Key{Protocol: protocol, Addr: netip.AddrPortFrom(service, port)}, Port: name, Endpoints: []netip.AddrPort{at},
		}
	}
	at := c.dnsSockets.Addr()
	if at.Addr().IsUnspecified() {
		at = netip.AddrPortFrom(c.at.local.Addr(), at.Port())
	}
	return []*svcproxy.Rule{
		rule("default/kubernetes:https", corev1.ProtocolTCP, c.kubernetesAddress(), kubernetesPort, c.at.local),
		rule("kube-system/kube-dns:dns", corev1.ProtocolUDP, c.dnsServiceIP(), dnsPort, at),
		rule("kube-system/kube-dns:dns-tcp", corev1.ProtocolTCP, c.dnsServiceIP(), dnsPort, at),
	}
}

// startNode runs the node, and waits until pods can run.
func (c *Cluster) startNode(ctx context.Context) error {
	if c.node == nil {
		return nil
	}
	c.run("the node", c.node.Run)
	select {
	case <-c.node.Ready():
		return nil
	case err := <-c.failures:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
