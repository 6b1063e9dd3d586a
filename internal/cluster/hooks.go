package cluster

import (
	"context"
	"fmt"
	"time"

	"github.com/causeway-access/causeway/internal/apiserver"
	"github.com/causeway-access/causeway/internal/controller"
)

// addStartHooks has the API ready only when those who judge and route
// requests have seen the cluster, and what a cluster cannot be without is there.
func (c *Cluster) addStartHooks(server *apiserver.Server) error {
	type hook struct {
		name  string
		start func(ctx context.Context) error
	}
	hooks := []hook{
		{"causeway-rbac-synced", until("roles and bindings are read", c.identity.rbac.HasSynced)},
		{"causeway-catalog-synced", until("services and endpoints are read", c.catalog.HasSynced)},
		{"causeway-bootstrap", func(ctx context.Context) error { return controller.WaitReady(ctx, c.bootstrap) }},
	}
	if c.dns != nil {
		hooks = append(hooks, hook{"causeway-dns-synced", until("names are read", c.dns.HasSynced)})
	}
	for _, hook := range hooks {
		if err := server.OnStart(hook.name, hook.start); err != nil {
			return fmt.Errorf("adding the start hook %s: %w", hook.name, err)
		}
	}
	return nil
}

// until waits for a condition that informers bring about.
func until(what string, met func() bool) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		ticker := time.NewTicker(readyStep)
		defer ticker.Stop()
		for !met() {
			select {
			case <-ctx.Done():
				return fmt.Errorf("waiting until %s: %w", what, ctx.Err())
			case <-ticker.C:
			}
		}
		return nil
	}
}
