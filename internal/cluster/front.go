package cluster

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/netip"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authorization/authorizer"

	"github.com/causeway-access/causeway/internal/authn"
	"github.com/causeway-access/causeway/internal/authz"
	"github.com/causeway-access/causeway/internal/catalog"
	"github.com/causeway-access/causeway/internal/gateway"
	"github.com/causeway-access/causeway/internal/xconnect"
)

func (c *Cluster) prepareCatalog(context.Context) error {
	var err error
	if c.catalog, err = catalog.New(c.base.Informers); err != nil {
		return err
	}
	c.ways.call(c.at.advertised.String()) // as in the endpoints of default/kubernetes
	return c.ways.follow(c.base.Informers, c.podCIDR, c.metrics.Register)
}

// stand puts the gateway before the API server's own chain.
func (c *Cluster) stand(next http.Handler, a authenticator.Request, z authorizer.Authorizer) (http.Handler, error) {
	g, err := gateway.New(gateway.Config{
		Authenticator: authn.Remember(a, c.identity.tokens.Audiences()), Authorizer: authz.Remember(z, c.identity.rbac),
		Impersonate: authz.Impersonator(z, c.base.Codecs()),
		Challenge:   c.identity.authn.Challenge(),
		Catalog:     c.catalog, Next: next, ForwardPods: true,
		Dial: c.ways.Dial, Tunnel: c.ways.Tunnel,
		AllowedCIDRs: c.allowed, Own: []netip.AddrPort{c.at.bound},
		NodeTLS: c.nodeTLS, BackendCA: c.backendCA,
		Limits: c.Limits.Proxy,
		Audit:  c.audit, Policy: c.proxyRules, Tracer: c.base.Tracer(),
		AccessLog: c.accessLog, Logger: c.log, Register: c.metrics.Register,
	})
	if err != nil {
		return nil, err
	}
	c.gateway = g
	c.ways.onMove(g.Forget)
	return c.resets.Wrap(xconnect.Handler(g)), nil
}

// drainGateway waits for the requests that only the gateway knows of, and
// breaks off what is left of them in the end.
func (c *Cluster) drainGateway(ctx context.Context) error {
	if err := c.gateway.Drain(ctx); err != nil {
		c.log.Warn("Breaking off upgraded connections and requests", "reason", err)
	}
	return nil
}

// nodeTLS is how the gateway shows itself to nodes, and verifies them.
func (c *Cluster) nodeTLS() *tls.Config {
	return &tls.Config{
		RootCAs: c.authority.Pool(),
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return c.nodeClient.GetCertificate(nil)
		},
	}
}

// backendCA reads the authority of a backend from NAMESPACE/KIND/NAME/KEY.
func (c *Cluster) backendCA(ctx context.Context, name string) (*x509.CertPool, error) {
	parts := strings.SplitN(name, "/", 4)
	if len(parts) != 4 {
		return nil, fmt.Errorf("reading the authority %q: want NAMESPACE/configmap/NAME/KEY or NAMESPACE/secret/NAME/KEY", name)
	}
	namespace, kind, object, key := parts[0], parts[1], parts[2], parts[3]
	var pem []byte
	switch kind {
	case "configmap":
		o, err := c.base.Client.CoreV1().ConfigMaps(namespace).Get(ctx, object, metav1.GetOptions{})
		if err != nil {
			return nil, fmt.Errorf("reading the authority %q: %w", name, err)
		}
		pem = []byte(o.Data[key])
	case "secret":
		o, err := c.base.Client.CoreV1().Secrets(namespace).Get(ctx, object, metav1.GetOptions{})
		if err != nil {
			return nil, fmt.Errorf("reading the authority %q: %w", name, err)
		}
		pem = o.Data[key]
	default:
		return nil, fmt.Errorf("reading the authority %q: %q is neither configmap nor secret", name, kind)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("reading the authority %q: no certificate under that key", name)
	}
	return pool, nil
}
