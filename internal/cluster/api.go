package cluster

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/causeway-access/causeway/internal/apiserver"
	"github.com/causeway-access/causeway/internal/apiserver/podstreams"
	"github.com/causeway-access/causeway/internal/authn/serviceaccount"
	"github.com/causeway-access/causeway/internal/authz"
	"github.com/causeway-access/causeway/internal/gateway"
	"github.com/causeway-access/causeway/internal/tunnel"
)

func (c *Cluster) prepareAPI(context.Context) error {
	var err error
	if c.resets, err = gateway.NewResetGuard(c.metrics.Register); err != nil {
		return err
	}
	c.ways = newWays(c.log)
	c.onStop(func(context.Context) error { c.ways.close(); return nil })
	c.base, err = apiserver.Prepare(apiserver.Config{
		Listener: c.listener, CertFile: c.serving.CertFile, KeyFile: c.serving.KeyFile,
		ClientCAFile: c.authority.CertFile(), Advertise: c.at.advertised,
		Store:       c.store,
		ServiceCIDR: c.serviceCIDR, FirstNodePort: c.nodePorts.Base, LastNodePort: c.nodePorts.Base + c.nodePorts.Size - 1,
		Nodes:    podstreams.Nodes{Dial: c.ways.Dial, TLS: c.nodeTLS()},
		Webhooks: webhookServices{c}, Audit: c.audit, AuditPolicy: c.auditRules,
		DrainTimeout: c.ShutdownGrace, ShutdownDelay: c.ShutdownDelay, TracingFile: c.TracingConfig,
		Serving: apiserver.Serving{
			MaxHeaderBytes: c.Limits.MaxHeaderBytes, MaxStreams: c.Limits.MaxStreams,
			ReadHeaderTimeout: c.Limits.ReadHeaderTimeout, IdleTimeout: c.Limits.IdleTimeout,
			ConnContext: c.resets.ConnContext, Drained: c.drainGateway,
		},
	})
	return err
}

func (c *Cluster) startAPI(ctx context.Context) error {
	id := c.identity
	documents := id.tokens.Discovery("https://" + c.at.advertised.String() + serviceaccount.JWKSPath)
	server, err := c.base.Build(apiserver.Identity{
		Authenticator: id.authn, Token: id.authn, Audiences: id.tokens.Audiences(),
		Authorizer: id.authorizer, Rules: id.rbac, Restrict: id.node.Confirm,
		Escalation: authz.Guard{Authorizer: id.authorizer, Held: id.rbac},
		Tokens:     id.tokens, Challenge: id.authn.Challenge(), Front: c.stand,
		Handlers: map[string]http.Handler{
			serviceaccount.DiscoveryPath: documents, serviceaccount.JWKSPath: documents,
			metricsPath: c.showMetrics(),
			tunnel.Path: http.HandlerFunc(c.ways.openTunnel), tunnel.PodsPath: http.HandlerFunc(c.ways.openRelay),
		},
	})
	if err != nil {
		return err
	}
	if err := c.addStartHooks(server); err != nil {
		return err
	}
	c.run("the API server", func(ctx context.Context) error {
		defer c.gateway.Close()
		return server.Run(ctx)
	})
	return nil
}

// readyTimeout bounds the wait for a start that does not end. A slow machine
// that has much else to do may take more than a minute.
const readyTimeout = 3 * time.Minute

// readyStep is the pause between two questions.
const readyStep = 5 * time.Millisecond

// awaitReady asks /readyz until it says yes.
func (c *Cluster) awaitReady(ctx context.Context) error {
	limit := time.NewTimer(readyTimeout)
	defer limit.Stop()
	ticker := time.NewTicker(readyStep)
	defer ticker.Stop()
	for {
		reply, err := c.base.Client.Discovery().RESTClient().Get().AbsPath("/readyz").DoRaw(ctx)
		if err == nil {
			return nil
		}
		select {
		case failure := <-c.failures:
			return failure
		case <-ctx.Done():
			return ctx.Err()
		case <-limit.C:
			return fmt.Errorf("not ready after %s: %w: %s", readyTimeout, err, reply)
		case <-ticker.C:
		}
	}
}
