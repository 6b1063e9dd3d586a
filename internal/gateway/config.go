package gateway

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"net/http"
	"net/netip"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
	"k8s.io/apiserver/pkg/audit"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"

	"github.com/causeway-access/causeway/internal/catalog"
	"github.com/causeway-access/causeway/internal/conn"
)

// Config configures a Gateway. Authenticator, Authorizer and Catalog are
// needed; all else has a default that is safe.
type Config struct {
	// Authenticator says who asks. It must delete the header or protocol in
	// which it found the credential that it accepted, as those of Kubernetes
	// do: what it leaves belongs to the application and is passed on.
	Authenticator authenticator.Request
	// Authorizer says whether he may.
	Authorizer authorizer.Authorizer
	// Impersonate returns the user as whom the caller asks to be served, as
	// the Impersonate-* headers say. It returns false if it has answered the
	// request itself, with an error. Nil refuses such headers.
	Impersonate func(w http.ResponseWriter, r *http.Request, caller user.Info) (user.Info, bool)
	// Challenge is the WWW-Authenticate header of a 401; empty for none. With
	// `Basic realm="..."` browsers ask for user and password.
	Challenge string
	// SessionCookie names the cookie by which browsers are authenticated;
	// empty if there is none. It never reaches a backend.
	SessionCookie string

	// Catalog says what targets stand for.
	Catalog *catalog.Catalog
	// Next serves what is no target: the API. Nil answers 404.
	Next http.Handler

	// ForwardPods answers pods/portforward here, by dialling the pod, if the
	// pod's node has no agent. Next passes what has one on to it: only the node
	// reaches programs that listen on the pod's own loopback address. Without
	// it all is left to Next. Services are always answered here.
	ForwardPods bool

	// AllowedCIDRs are loopback ranges that may be dialled; see transport.Guard.
	AllowedCIDRs []netip.Prefix
	// Own are the addresses on which the gateway listens. They are never
	// dialled. An unspecified IP stands for all of this machine.
	Own []netip.AddrPort
	// Dial opens connections to backends; by default a net.Dialer.
	Dial conn.DialFunc
	// Tunnel returns what dials a node by its name, for nodes that are reached so;
	// see transport.Config. Nil knows none.
	Tunnel func(node string) conn.DialFunc
	// NodeTLS returns the client certificate and the authority for the kubelet
	// port of nodes. Nil: nodes' kubelet ports cannot be reached.
	NodeTLS func() *tls.Config
	// BackendCA returns the certificates that a service's annotation names, as
	// NAMESPACE/configmap/NAME/KEY or NAMESPACE/secret/NAME/KEY. Nil: services
	// that are so annotated cannot be reached.
	BackendCA func(ctx context.Context, name string) (*x509.CertPool, error)
	// KeepCORS passes the Access-Control-Allow-* headers of backends on.
	KeepCORS bool

	// Limits bound what callers may have under way at one time.
	Limits Limits

	// Audit and Policy record one event per request; both may be nil.
	Audit  audit.Backend
	Policy audit.PolicyRuleEvaluator
	// AccessLog receives a line of JSON per request. Nil for none.
	AccessLog io.Writer
	// Tracer makes spans of requests. Nil for none.
	Tracer trace.TracerProvider
	// Logger receives what goes wrong in the gateway itself. Nil discards it.
	Logger *slog.Logger
	// Register adds the metrics to a registry, as prometheus.Registerer does.
	// Nil for none.
	Register func(prometheus.Collector) error
}
