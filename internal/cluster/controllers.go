package cluster

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"regexp"
	"strings"

	"k8s.io/client-go/discovery"
	"k8s.io/client-go/metadata"
	restclient "k8s.io/client-go/rest"

	"github.com/causeway-access/causeway/internal/controller"
	"github.com/causeway-access/causeway/internal/controller/bootstrap"
	"github.com/causeway-access/causeway/internal/controller/bootstrapsigner"
	"github.com/causeway-access/causeway/internal/controller/certificates"
	"github.com/causeway-access/causeway/internal/controller/clusterdns"
	"github.com/causeway-access/causeway/internal/controller/clusterroleaggregation"
	"github.com/causeway-access/causeway/internal/controller/endpoints"
	"github.com/causeway-access/causeway/internal/controller/endpointslice"
	"github.com/causeway-access/causeway/internal/controller/endpointslicemirroring"
	"github.com/causeway-access/causeway/internal/controller/garbagecollector"
	"github.com/causeway-access/causeway/internal/controller/namespace"
	"github.com/causeway-access/causeway/internal/controller/serviceaccount"
	"github.com/causeway-access/causeway/internal/controller/tokencleaner"
	"github.com/causeway-access/causeway/internal/node/join"
)

// prepareControllers makes all controllers, before the informers they share
// are started.
func (c *Cluster) prepareControllers(context.Context) error {
	meta, err := metadata.NewForConfig(restclient.CopyConfig(c.base.Loopback))
	if err != nil {
		return err
	}
	kinds, err := discovery.NewDiscoveryClientForConfig(c.base.Loopback)
	if err != nil {
		return err
	}
	shared := controller.Config{Client: c.base.Client, Informers: c.base.Informers, Logger: c.log}
	c.bootstrap, err = bootstrap.New(shared, bootstrap.Config{
		Identity: c.serverName(), Advertise: c.at.advertised, ServiceIP: c.kubernetesAddress(), CA: c.authority.CertPEM(),
		NodeSettings: join.Settings{Services: c.serviceCIDR, Pods: c.podCIDR, DNS: c.dnsServiceIP()}.Data(),
	})
	if err != nil {
		return err
	}
	dnsService, err := clusterdns.New(shared, c.dnsService())
	if err != nil {
		return err
	}
	c.controllers = append(c.controllers, c.bootstrap, dnsService) // both speak for this server
	shared = c.electing(shared)
	for _, make := range append(c.workloads(shared), []func() (controller.Controller, error){
		func() (controller.Controller, error) {
			return serviceaccount.New(shared, serviceaccount.Config{
				RootCA: c.authority.CertPEM(), Tokens: c.identity.legacyTokens(), LegacyTokenSecrets: c.ServiceAccountTokenSecrets,
			})
		},
		func() (controller.Controller, error) { return endpointslice.New(shared) },
		func() (controller.Controller, error) { return endpoints.New(shared) },
		func() (controller.Controller, error) { return endpointslicemirroring.New(shared) },
		func() (controller.Controller, error) {
			return namespace.New(shared, namespace.Config{Metadata: meta, Discovery: kinds})
		},
		func() (controller.Controller, error) {
			return garbagecollector.New(shared, garbagecollector.Config{Metadata: meta, Discovery: kinds})
		},
		func() (controller.Controller, error) { return clusterroleaggregation.New(shared) },
		func() (controller.Controller, error) {
			return certificates.New(shared, certificates.Config{Signer: c.authority, Reserved: c.reserved()})
		},
		func() (controller.Controller, error) { return bootstrapsigner.New(shared) },
		func() (controller.Controller, error) { return tokencleaner.New(shared) },
	}...) {
		one, err := make()
		if err != nil {
			return err
		}
		c.controllers = append(c.controllers, one)
	}
	return nil
}

// reserved is what nodes that join must not have certificates for.
func (c *Cluster) reserved() certificates.Reserved {
	r := certificates.Reserved{Names: c.servingNames(), Ranges: []netip.Prefix{c.serviceCIDR, c.podCIDR}}
	for _, ip := range c.servingIPs() {
		if address, ok := netip.AddrFromSlice(ip); ok {
			r.Addresses = append(r.Addresses, address.Unmap())
		}
	}
	return r
}

// serverName tells this API server from others of the cluster, on this
// machine and elsewhere, as a DNS label.
func (c *Cluster) serverName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	label := notInLabel.ReplaceAllString(strings.ToLower(host), "-")
	return fmt.Sprintf("%s-%d", strings.Trim(label[:min(len(label), maxHostLabel)], "-"), c.at.bound.Port())
}

var notInLabel = regexp.MustCompile(`[^a-z0-9-]+`)

// maxHostLabel leaves room for the port in a label of 63.
const maxHostLabel = 57

// startControllers runs them all; the cluster is not waiting for them here,
// since they wait for the API themselves.
func (c *Cluster) startControllers(context.Context) error {
	for _, one := range c.controllers {
		c.run("controller "+one.Name(), one.Run)
	}
	return nil
}
