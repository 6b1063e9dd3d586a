package join

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"strconv"
	"sync"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/server/dynamiccertificates"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"

	"github.com/causeway-access/causeway/internal/node"
	"github.com/causeway-access/causeway/internal/node/apart"
	"github.com/causeway-access/causeway/internal/node/register"
	"github.com/causeway-access/causeway/internal/node/servers"
)

// agent is a node's agent, in this process or in one of its own.
type agent interface {
	// Run is the node until ctx ends.
	Run(ctx context.Context) error
	// Ready is closed when pods can run.
	Ready() <-chan struct{}
}

// apart says that the agent is in a process and namespaces of its own.
func (cfg *Config) apart() bool { return apart.Needed(cfg.RuntimeEndpoint) }

// possible says why this machine cannot be a node, before anything is done. A
// node in a network of its own has no address for others.
func (cfg *Config) possible(ctx context.Context) error {
	if !cfg.apart() {
		return node.Check()
	}
	cfg.Tunnel = true
	return apart.Check(ctx)
}

// here makes an agent that is in this process.
func (cfg *Config) here(all *servers.Set, keys *register.Keys, s Settings) (agent, error) {
	clients, err := dynamiccertificates.NewStaticCAContent("the cluster's authority", cfg.CA)
	if err != nil {
		return nil, err
	}
	return node.New(node.Config{
		Name: cfg.Name, Addresses: []netip.Addr{cfg.Address}, Tunnelled: cfg.Tunnel, Listen: cfg.Listen, API: keys.REST(), Servers: all,
		Dir: cfg.Dir, Hidden: cfg.Hidden, RuntimeEndpoint: cfg.RuntimeEndpoint, Upkeep: cfg.Upkeep,
		Certificate: keys.GetCertificate, ClientCA: clients,
		ServiceRanges: []netip.Prefix{s.Services}, PodRange: s.Pods,
		ClusterDNS: []netip.Addr{s.DNS}, ServeDNS: true, Log: cfg.Log,
	})
}

// elsewhere makes an agent that is apart. It has the certificates from their
// files, which are renewed here.
func (cfg *Config) elsewhere(all *servers.Set, keys *register.Keys, s Settings) (agent, error) {
	_, text, err := net.SplitHostPort(cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("where the node's API listens: %w", err)
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("the port of the node's API: %w", err)
	}
	client, serving := keys.Files()
	process := apart.New(apart.Settings{
		Name: cfg.Name, Addresses: []netip.Addr{cfg.Address}, Port: uint16(port),
		Dir: cfg.Dir, Hidden: cfg.Hidden, Upkeep: cfg.Upkeep,
		ServiceRanges: []netip.Prefix{s.Services}, PodRange: s.Pods,
		ClusterDNS: []netip.Addr{s.DNS}, ServeDNS: true,
		Server: cfg.Servers[0].String(), Servers: all.List(), CAFile: filepath.Join(keysDir(cfg.Dir), authorityFile),
		ClientCert: client, ClientKey: client, ServingCert: serving, ServingKey: serving,
	}, cfg.Log)
	return &follower{process, all, keys}, nil
}

// follower has this process, which renews the certificates, find API servers as
// the agent does.
type follower struct {
	*apart.Agent
	servers *servers.Set
	keys    *register.Keys
}

// Run is the node until ctx ends.
func (f *follower) Run(ctx context.Context) error {
	client, err := kubernetes.NewForConfig(f.keys.REST())
	if err != nil {
		return err
	}
	factory := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithNamespace(corev1.NamespaceDefault),
		informers.WithTweakListOptions(func(o *metav1.ListOptions) { o.LabelSelector = discoveryv1.LabelServiceName + "=kubernetes" }))
	if err := f.servers.Find(factory.Discovery().V1().EndpointSlices()); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	factory.StartWithContext(ctx)
	var watching sync.WaitGroup
	watching.Go(func() { _ = f.servers.Watch(ctx, f.keys.REST()) }) // until ctx ends
	defer factory.Shutdown()
	defer watching.Wait()
	defer cancel()
	return f.Agent.Run(ctx)
}
