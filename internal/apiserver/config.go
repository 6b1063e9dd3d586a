// Package apiserver serves the Kubernetes API: its groups, their storage and
// the chain of filters in front of them, on the library k8s.io/apiserver.
//
// Building goes in two steps, because what decides who may do what reads the
// API itself: [Prepare] gives clients of the server to be, [Base.Build] takes
// the authenticator and authoriser made with them.
package apiserver

import (
	"net"
	"net/http"
	"net/netip"
	"time"

	"k8s.io/apiserver/pkg/audit"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/util/webhook"

	"github.com/causeway-access/causeway/internal/apiserver/podstreams"
	"github.com/causeway-access/causeway/internal/apiserver/resources"
	"github.com/causeway-access/causeway/internal/store"
)

// Config is what the server stands on.
type Config struct {
	// Listener takes the connections; the server closes it.
	Listener net.Listener
	// CertFile and KeyFile are the serving certificate, read again when they change.
	CertFile, KeyFile string
	// ClientCAFile holds the authority of client certificates.
	ClientCAFile string
	// Advertise is the address under which clients and pods reach this server.
	Advertise netip.AddrPort
	// Store leads to etcd.
	Store store.Endpoints
	// ServiceCIDR is the range of cluster addresses.
	ServiceCIDR netip.Prefix
	// FirstNodePort and LastNodePort bound the node ports, both included.
	FirstNodePort, LastNodePort int
	// Webhooks finds the services that admission and conversion webhooks are.
	Webhooks webhook.ServiceResolver
	// Audit takes the audit events, AuditPolicy says which; both may be nil.
	Audit       audit.Backend
	AuditPolicy audit.PolicyRuleEvaluator
	// DrainTimeout bounds the wait for running requests at the end. Zero means ten seconds.
	DrainTimeout time.Duration
	// ShutdownDelay is how long connections are still accepted when the end has
	// begun and /readyz says so.
	ShutdownDelay time.Duration
	// Nodes says how the agents of nodes are reached, for the logs of pods and
	// for streams into them.
	Nodes podstreams.Nodes
	// Serving says what a connection may cost.
	Serving Serving
	// TracingFile is a TracingConfiguration of apiserver.config.k8s.io. Empty
	// for none.
	TracingFile string
}

// Identity is who asks and what they may.
type Identity struct {
	Authenticator authenticator.Request
	// Token answers token reviews.
	Token authenticator.Token
	// Audiences are those a token must name to be for this server.
	Audiences  authenticator.Audiences
	Authorizer authorizer.Authorizer
	// Restrict refuses writes by what they say; nil for none.
	Restrict   Restriction
	Rules      authorizer.RuleResolver
	Escalation resources.EscalationGuard
	Tokens     resources.TokenIssuer
	// Challenge is sent with every 401; empty for none.
	Challenge string
	// Front stands before the server's own chain of filters and takes what is
	// its own; the rest goes to next. It is given the authenticator and
	// authoriser that the chain uses. Nil means nothing stands there.
	Front func(next http.Handler, a authenticator.Request, z authorizer.Authorizer) (http.Handler, error)
	// Handlers answer paths outside the API groups.
	Handlers map[string]http.Handler
}
