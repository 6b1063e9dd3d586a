package node

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/url"

	restclient "k8s.io/client-go/rest"

	"github.com/causeway-access/causeway/internal/node/servers"
)

// prepareServers has the agent know all API servers of the cluster. One that
// was given several goes on with another when one dies; that of `up` speaks to
// the one in its own process, and is reached by all.
func (a *Agent) prepareServers(context.Context) error {
	a.servers = a.cfg.Servers
	if a.servers == nil {
		server, err := url.Parse(a.cfg.API.Host)
		if err != nil || server.Host == "" {
			return fmt.Errorf("the API server %q is no URL: %w", a.cfg.API.Host, err)
		}
		if a.servers, err = servers.New(servers.Config{Given: []string{servers.HostPort(server)}, Log: a.cfg.Log}); err != nil {
			return err
		}
	} else {
		a.run("looking at API servers", func(ctx context.Context) error { return a.servers.Watch(ctx, a.cfg.API) })
	}
	return a.servers.Find(a.informers.Discovery().V1().EndpointSlices())
}

// dialServer dials the very API server that is asked for, or what else is outside
// of the cluster.
func (a *Agent) dialServer(ctx context.Context, network, address string) (net.Conn, error) {
	if a.cfg.Outside != nil {
		return a.cfg.Outside(ctx, network, address)
	}
	return (&net.Dialer{}).DialContext(ctx, network, address)
}

// serverTLS is how the node shows itself to an API server, and verifies it.
func (a *Agent) serverTLS() (*tls.Config, error) { return restclient.TLSConfigFor(a.cfg.API) }
