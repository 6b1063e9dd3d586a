package node

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"github.com/causeway-access/causeway/internal/node/outward"
)

// mark is in the names of what this node has in places that it shares with
// agents with other directories on the same machine: each takes what it does not
// know among its own for left over.
func (c *Config) mark() string {
	sum := sha256.Sum256([]byte(c.Dir))
	return "causeway-" + hex.EncodeToString(sum[:4])
}

// prepareOutward prepares the way of pods to what is outside of the cluster.
func (a *Agent) prepareOutward(context.Context) error {
	if !a.podRange.Addr().Is4() {
		return nil // pods of IPv6 have addresses that are known outside
	}
	cluster := slices.Clone(a.cfg.ServiceRanges)
	if a.cfg.PodRange.IsValid() {
		cluster = append(cluster, a.cfg.PodRange)
	}
	var err error
	a.outward, err = outward.New(outward.Config{
		Table: a.cfg.mark(), Pods: a.podRange, Cluster: cluster, Dial: a.cfg.Outside, Log: a.cfg.Log,
		Detours: a.detourRanges, Detoured: a.beyond, Detour: a.detours.Dial, Changed: a.detoursChanged(),
	})
	if err != nil {
		return err
	}
	a.run("keeping pods' way out", a.outward.Run)
	return nil
}
