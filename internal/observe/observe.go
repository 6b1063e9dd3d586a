// Package observe accounts for requests: metrics with bounded labels, one
// access line and one audit event for each, and a span where somebody traces.
// Nothing of a request's secrets (credentials, cookies, values of query
// parameters) reaches any of them.
//
// All of it together is meant to cost about a microsecond of a request: counters
// are found by index, lines are encoded once, into a buffer that a goroutine
// writes out from time to time, and what is not configured is not done.
// Floor F0.
package observe

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
	"k8s.io/apiserver/pkg/audit"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
)

// Config says where accounts go. The zero value counts, tells nobody, and
// writes nothing.
type Config struct {
	// AccessLog receives the access lines, one JSON object a line, many in one
	// Write. Nil for none.
	AccessLog io.Writer
	// Register adds the metrics to a registry, as prometheus.Registerer does.
	// Nil for none.
	Register func(prometheus.Collector) error
	// Audit receives one event per request that Policy asks for. Both or
	// neither must be set. An [AuditLog] is written to without making events.
	Audit  audit.Backend
	Policy audit.PolicyRuleEvaluator
	// Tracer makes a span of each request that is sampled. Nil for none.
	Tracer trace.TracerProvider
	// Ejections returns how often endpoints were set aside, because they could
	// not be dialled and because they were frozen. Nil if nobody counts it.
	Ejections func() (dial, frozen uint64)
	// Logger hears of lines that could not be written. Nil for nobody.
	Logger *slog.Logger
}

// Line is the account of one request. Whoever learns something about the
// request fills it in; when the request is over the line is handed to Account.
type Line struct {
	ID        string
	Start     time.Time
	Method    string
	Path      string // as the client sent it
	Query     string // raw; its values are never written anywhere
	Client    string
	UserAgent string

	// User is who is served; Caller is who asked, if he impersonates.
	User, Caller user.Info
	// Attributes are what was asked for. They have no user if it did not become
	// known who asks.
	Attributes authorizer.Attributes
	Decision   string // "allow", "forbid", or empty if nobody was asked whether he may

	Backend  string // the endpoint's address
	Status   int
	Sent     int64 // body bytes to the client
	Received int64 // body bytes from the client
	Retries  int
	Upgrade  bool
	Err      error
	Panicked bool
	End      time.Time

	span  trace.Span // nil if the request is not traced
	about about      // what Attributes say, once all is known
}

// about is what is read of attributes. Each question to an interface that
// holds attributes copies them all; so they are asked once.
type about struct{ verb, resource, subresource, namespace, name, group, version string }

func aboutOf(a authorizer.Attributes) about {
	if a == nil {
		return about{}
	}
	if r, ok := a.(*authorizer.AttributesRecord); ok {
		return about{r.Verb, r.Resource, r.Subresource, r.Namespace, r.Name, r.APIGroup, r.APIVersion}
	}
	return about{a.GetVerb(), a.GetResource(), a.GetSubresource(), a.GetNamespace(), a.GetName(), a.GetAPIGroup(), a.GetAPIVersion()}
}

// Observer keeps the accounts.
type Observer struct {
	cfg    Config
	meters *meters
	log    *AuditLog // cfg.Audit, if it is one
	access *batch    // nil if there is no access log
	tracer trace.Tracer
}

// New returns an Observer that writes in the background. Close ends it.
func New(cfg Config) (*Observer, error) {
	if (cfg.Audit == nil) != (cfg.Policy == nil) {
		return nil, errors.New("accounting for requests: an audit backend and a policy go together")
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	o := &Observer{cfg: cfg, meters: newMeters(cfg.Ejections)}
	o.log, _ = cfg.Audit.(*AuditLog)
	if cfg.Tracer != nil {
		o.tracer = cfg.Tracer.Tracer(tracerName)
	}
	if cfg.Register != nil {
		if err := cfg.Register(o.meters); err != nil {
			return nil, fmt.Errorf("registering the gateway's metrics: %w", err)
		}
	}
	if cfg.AccessLog != nil {
		o.access = newBatch(cfg.AccessLog, cfg.Logger, "access lines")
	}
	return o, nil
}

// Begin opens the account of a request whose head is in l and h. If the
// request is traced, h is changed to tell the backend so.
func (o *Observer) Begin(l *Line, h http.Header) {
	o.meters.inflight.Add(1)
	if o.tracer != nil {
		o.trace(l, h)
	}
}

// Account ends the account of a request. It keeps nothing of l. It does not
// wait for the access log: when that cannot follow, lines are dropped and
// counted. For the audit log it waits.
func (o *Observer) Account(l *Line) {
	l.End = time.Now()
	l.about = aboutOf(l.Attributes)
	o.meters.inflight.Add(-1)
	o.meters.count(l)
	o.audit(l)
	if l.span != nil {
		l.endSpan()
	}
	if o.access == nil {
		return
	}
	s := o.access.tryTake()
	if s == nil {
		o.meters.dropped.Add(1)
		return
	}
	s.buf = l.appendAccess(s.buf, &s.now)
	o.access.give(s)
}

// Refused records, in the audit log alone, a request that is for no target and
// was refused before anybody else could record it. It keeps nothing of l.
func (o *Observer) Refused(l *Line) {
	l.End = time.Now()
	l.about = aboutOf(l.Attributes)
	o.audit(l)
}

// Close writes what is left of the access lines. No request may be accounted
// for afterwards. The audit backend is whoever's who made it.
func (o *Observer) Close() {
	if o.access != nil {
		o.access.close()
	}
}
