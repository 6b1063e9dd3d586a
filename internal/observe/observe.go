// Package observe accounts for requests: metrics with bounded labels, one
// access line and one audit event for each. Nothing of a request's secrets
// (credentials, cookies, values of query parameters) reaches any of them.
// Floor F0.
package observe

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/apiserver/pkg/audit"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/component-base/metrics"
)

// Config says where accounts go. The zero value counts in a registry of its
// own and writes nothing.
type Config struct {
	// Logger receives the access lines, at level Info. Nil for none.
	Logger *slog.Logger
	// Register adds the metrics to a registry, as legacyregistry.Register does.
	Register func(metrics.Registerable) error
	// Audit receives one event per request that Policy asks for. Both or
	// neither must be set.
	Audit  audit.Backend
	Policy audit.PolicyRuleEvaluator
}

// Line is the account of one request. Whoever learns something about the
// request fills it in; when the request is over the line is handed to Account
// and must not be changed any more.
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
	// Attributes are what was authorised; nil if it did not come to that.
	Attributes authorizer.Attributes
	Decision   string // "allow", "forbid", or empty

	Backend  string // the endpoint's address
	Status   int
	Sent     int64 // body bytes to the client
	Received int64 // body bytes from the client
	Retries  int
	Upgrade  bool
	Err      error
	Panicked bool
	End      time.Time
}

// Observer keeps the accounts.
type Observer struct {
	cfg     Config
	metrics *meters
	lines   chan *Line
	dropped atomic.Int64
	done    sync.WaitGroup
}

// pending is how many access lines may wait for the writer.
const pending = 4096

// New returns an Observer that writes in the background. Close ends it.
func New(cfg Config) (*Observer, error) {
	m, err := newMeters(cfg.Register)
	if err != nil {
		return nil, err
	}
	o := &Observer{cfg: cfg, metrics: m}
	if cfg.Logger != nil {
		o.lines = make(chan *Line, pending)
		o.done.Go(o.write)
	}
	return o, nil
}

// Begin counts a request as under way.
func (o *Observer) Begin() { o.metrics.inflight.Inc() }

// Account ends the account of a request. It does not wait for the log: when
// that cannot follow, lines are dropped and their number is written instead.
func (o *Observer) Account(l *Line) {
	l.End = time.Now()
	o.metrics.inflight.Dec()
	o.metrics.count(l)
	o.audit(l)
	if o.lines == nil {
		return
	}
	select {
	case o.lines <- l:
	default:
		o.dropped.Add(1)
	}
}

// Close writes what is left. No request may be accounted for afterwards.
func (o *Observer) Close() {
	if o.lines != nil {
		close(o.lines)
	}
	o.done.Wait()
}
