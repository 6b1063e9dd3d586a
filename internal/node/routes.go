package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"strings"

	"github.com/causeway-access/causeway/internal/node/route"
	"github.com/causeway-access/causeway/internal/privatefile"
)

// routesFile says below which range this node has made routes, for the time
// when no agent runs.
const routesFile = "routes"

// prepareRoutes prepares the way to the pods of other nodes. A node that has a
// tunnel has no neighbours.
func (a *Agent) prepareRoutes(ctx context.Context) error {
	if !a.cfg.PodRange.IsValid() || a.cfg.Tunnelled {
		return nil
	}
	own, err := a.node.PodCIDR(ctx)
	if err != nil {
		return err
	}
	a.routes, err = route.New(route.Config{
		Node: a.cfg.Name, Own: own, Range: a.cfg.PodRange, Nodes: a.informers.Core().V1().Nodes(), Log: a.cfg.Log,
	})
	if err != nil {
		return err
	}
	if err := privatefile.Tidy(a.cfg.Dir); err != nil {
		return err
	}
	if err := privatefile.Write(a.cfg.path(routesFile), []byte(a.cfg.PodRange.String())); err != nil {
		return err
	}
	a.run("keeping routes to other nodes' pods", a.routes.Run)
	return nil
}

// clearRoutes removes the routes to other nodes' pods: there are none here any
// more that need them.
func (c *Config) clearRoutes() error {
	text, err := os.ReadFile(c.path(routesFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	within, err := netip.ParsePrefix(strings.TrimSpace(string(text)))
	if err == nil {
		err = route.Clear(within)
	}
	if err != nil {
		return fmt.Errorf("removing routes to other nodes' pods: %w", err)
	}
	return os.Remove(c.path(routesFile))
}
