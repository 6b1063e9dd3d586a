package node

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
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
			Root: c.path(RunDir), PodCIDR: cidr, CgroupParent: c.cgroupParent(),
			Hidden: append([]string{c.Dir}, c.Hidden...), Dial: c.Outside,
		})
	}
	return cri.New(ctx, cri.Config{Endpoint: c.RuntimeEndpoint, Root: c.path(RunDir), PodCIDR: cidr, CNIDir: cniDir})
}

// cgroupParent is where the control groups of pods are made. Agents with other
// directories on the same machine have others, and take what they do not know
// in their own for left over.
func (c *Config) cgroupParent() string {
	sum := sha256.Sum256([]byte(c.Dir))
	return "causeway-" + hex.EncodeToString(sum[:4])
}
