// Package outward leads pods to what is outside of the cluster: addresses that
// are none of pods' or services'. Outside nobody knows the way back to a pod's
// address.
//
//   - Where the agent is in the machine's network, the kernel puts the
//     machine's address in the place of the pod's (masquerading).
//   - Where it is in one of its own, as an ordinary user's is, the kernel hands
//     TCP connections to the agent, which makes them outside. There is no way
//     for other protocols.
//
// And it leads them, and the machine, to pods of other nodes to which this one
// has no route, since one of them is reached by a tunnel: there, too, the kernel
// hands TCP connections to the agent.
//
// Rules are in a table of nftables of this node's own, which outlives the agent, as
// pods do. They are written without the program nft. Floor 2, a part of the
// node's agent.
package outward

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/causeway-access/causeway/internal/conn"
)

// Config says whose way it is. Table, Pods and Cluster are required.
type Config struct {
	// Table is the name of the table of rules: one that no other node on this
	// machine has.
	Table string
	// Pods are the addresses of this node's pods.
	Pods netip.Prefix
	// Cluster are the addresses that are not outside, those of all pods and
	// services.
	Cluster []netip.Prefix
	// Dial makes connections outside, for an agent that is in another network.
	// Nil means that this network is the machine's.
	Dial conn.DialFunc
	// Detours are the addresses of pods of other nodes to which there is no route,
	// as it is now, Detoured tells one of them, and Detour makes connections to
	// them. Nil means that there are never any.
	Detours  func() []netip.Prefix
	Detoured func(netip.Addr) bool
	Detour   conn.DialFunc
	// Changed says that there may be other Detours.
	Changed <-chan struct{}
	// Log is slog.Default() if nil.
	Log *slog.Logger
}

// again is when rules are written anew: tools that manage a firewall may remove
// those of others.
const again = 30 * time.Second

// Way keeps the way out.
type Way struct {
	cfg Config

	mu     sync.Mutex
	failed error
}

// New checks the configuration. Nothing is done before Run.
func New(cfg Config) (*Way, error) {
	if (cfg.Detours == nil) != (cfg.Detour == nil) || (cfg.Detours == nil) != (cfg.Detoured == nil) {
		return nil, errors.New("configuring pods' way out: Detours, Detoured and Detour go together")
	}
	if cfg.Table == "" || !cfg.Pods.Addr().Is4() || len(cfg.Cluster) == 0 {
		return nil, errors.New("configuring pods' way out: a table, the pods' range of IPv4 and the cluster's are required")
	}
	cfg.Log = cmp.Or(cfg.Log, slog.Default())
	return &Way{cfg: cfg}, nil
}

// Run keeps the way until ctx ends. Masquerading goes on then.
func (w *Way) Run(ctx context.Context) error {
	var relay *relay
	defer func() {
		if relay != nil {
			relay.close()
		}
	}()
	ticker := time.NewTicker(again)
	defer ticker.Stop()
	for {
		detours := w.cfg.detours()
		if relay == nil && (w.cfg.Dial != nil || len(detours) > 0) {
			var err error
			if relay, err = newRelay(ctx, w.cfg); err != nil {
				return fmt.Errorf("listening for what pods send outside: %w", err)
			}
		}
		var port uint16
		if relay != nil {
			port = relay.port()
		}
		w.note(write(w.cfg, port, detours))
		select {
		case <-ctx.Done():
			return nil
		case <-w.cfg.Changed:
		case <-ticker.C:
		}
	}
}

// detours are those of IPv4.
func (c *Config) detours() (list []netip.Prefix) {
	if c.Detours == nil {
		return nil
	}
	for _, p := range c.Detours() {
		if p.Addr().Is4() {
			list = append(list, p.Masked())
		}
	}
	return list
}

func (w *Way) note(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil && (w.failed == nil || w.failed.Error() != err.Error()) {
		w.cfg.Log.Warn("Pods do not reach what is outside of the cluster", "error", err)
	}
	w.failed = err
}

// Missing says what pods do not reach; nil if they reach everything.
func (w *Way) Missing() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.failed != nil:
		return []string{fmt.Sprintf("the network outside of the cluster: %v", w.failed)}
	case w.cfg.Dial != nil:
		return []string{"the network outside of the cluster but by TCP"}
	}
	return nil
}

// covers tells whether an address is one of the cluster's.
func (c *Config) covers(a netip.Addr) bool {
	return c.Pods.Contains(a) || slices.ContainsFunc(c.Cluster, func(p netip.Prefix) bool { return p.Contains(a) })
}
