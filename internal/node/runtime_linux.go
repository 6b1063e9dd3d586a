package node

import (
	"context"
	"net/netip"

	"github.com/causeway-access/causeway/internal/podrun/cri"
	"github.com/causeway-access/causeway/internal/podrun/ns"
)

// cniDir is where container runtimes look for the configuration of pods'
// network, unless they are told otherwise.
const cniDir = "/etc/cni/net.d"

// open opens what runs the node's pods.
func (c *Config) open(ctx context.Context, cidr netip.Prefix) (podRuntime, error) {
	if c.RuntimeEndpoint == "" {
		return ns.New(ns.Config{
			Root: c.path(RunDir), PodCIDR: cidr, CgroupParent: c.mark(),
			Hidden: append([]string{c.Dir}, c.Hidden...), Dial: c.Outside,
		})
	}
	return cri.New(ctx, cri.Config{Endpoint: c.RuntimeEndpoint, Root: c.path(RunDir), LogDir: c.path(logsDir), PodCIDR: cidr, CNIDir: cniDir})
}
