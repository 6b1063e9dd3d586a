package node

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"time"

	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/authenticatorfactory"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/authorization/authorizerfactory"
	"k8s.io/apiserver/pkg/server/options"

	"github.com/causeway-access/causeway/internal/node/server"
)

const (
	// allowedFor, deniedFor and knownFor are how long what the API server said
	// of somebody is believed, as kubelets do.
	allowedFor, deniedFor, knownFor = 5 * time.Minute, 30 * time.Second, 2 * time.Minute
	// reviewTimeout bounds the question who it is that has a token.
	reviewTimeout = 10 * time.Second
)

// prepareAPI prepares the node's own API. Whom it answers, the API server says.
func (a *Agent) prepareAPI(context.Context) error {
	who, err := a.authenticator()
	if err != nil {
		return fmt.Errorf("preparing authentication: %w", err)
	}
	may, err := authorizerfactory.DelegatingAuthorizerConfig{
		SubjectAccessReviewClient: a.client.AuthorizationV1(),
		AllowCacheTTL:             allowedFor, DenyCacheTTL: deniedFor,
		WebhookRetryBackoff: options.DefaultAuthWebhookRetryBackoff(),
	}.New()
	if err != nil {
		return fmt.Errorf("preparing authorisation: %w", err)
	}
	handler := a.handler(who, may)
	config := &tls.Config{GetCertificate: a.cfg.Certificate, ClientAuth: tls.RequestClientCert, MinVersion: tls.VersionTLS12}
	a.run("the node's API", func(ctx context.Context) error { return server.Serve(ctx, a.listener, config, handler, a.cfg.Log) })
	return nil
}

func (a *Agent) authenticator() (authenticator.Request, error) {
	who, _, err := authenticatorfactory.DelegatingAuthenticatorConfig{
		TokenAccessReviewClient: a.client.AuthenticationV1(), TokenAccessReviewTimeout: reviewTimeout,
		CacheTTL: knownFor, WebhookRetryBackoff: options.DefaultAuthWebhookRetryBackoff(),
		ClientCertificateCAContentProvider: a.cfg.ClientCA,
	}.New()
	return who, err
}

func (a *Agent) handler(who authenticator.Request, may authorizer.Authorizer) http.Handler {
	return server.New(server.Config{
		Node: a.cfg.Name, Pods: a.pods, Runtime: a.runtime, LogDir: a.cfg.path(logsDir),
		Images: a.runtime, Dir: a.cfg.Dir, Disk: a.upkeep,
		Authenticator: who, Authorizer: may,
		Healthy: a.running, Metrics: a.cfg.Metrics, Log: a.cfg.Log,
	})
}
