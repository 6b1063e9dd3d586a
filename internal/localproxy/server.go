package localproxy

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/transport"
)

// dialTime bounds a connection to an API server: another may be alive.
const dialTime = 5 * time.Second

// errUnwell ends attempts at a server that no longer answers its checks.
var errUnwell = errors.New("the API server stopped answering its health checks")

// server is one API server.
type server struct {
	url *url.URL
	// prefix is put before the path of each request.
	prefix string
	// discovered is set for those that the cluster has named.
	discovered bool
	// plain carries requests, over HTTP/2 if the server speaks it; upgrade
	// those that take their connection over, which HTTP/1.1 alone knows. Both
	// add the credentials.
	plain, upgrade http.RoundTripper
	// quick carries requests without a body that are soon over; nil where an
	// HTTP proxy stands before the server.
	quick   http.RoundTripper
	closers []func()

	inflight atomic.Int64
	// splits is set once the server has shown that it takes a credential from
	// Proxy-Authorization and leaves Authorization to the application.
	splits     atomic.Bool
	ownOrigins ownOrigins

	mu      sync.Mutex
	health  Health
	waiting map[*attempt]struct{}
}

// newServer prepares the transports to one URL, with the user's credentials.
func newServer(cfg Config, host string, discovered bool) (*server, error) {
	base := cfg.REST
	u, _, err := rest.DefaultServerUrlFor(&rest.Config{Host: host, TLSClientConfig: base.TLSClientConfig})
	if err != nil {
		return nil, fmt.Errorf("the API server's URL %q: %w", host, err)
	}
	s := &server{url: u, discovered: discovered, waiting: make(map[*attempt]struct{})}
	s.health = Health{URL: u.String(), Discovered: discovered, State: Unknown}
	if cfg.AppendServerPath {
		s.prefix = strings.TrimSuffix(u.Path, "/")
	}
	dialer := &net.Dialer{Timeout: dialTime, KeepAlive: cfg.KeepAlive}
	if s.plain, err = s.transport(base, dialer, nil); err != nil {
		return nil, err
	}
	if s.upgrade, err = s.transport(base, dialer, []string{"http/1.1"}); err != nil {
		return nil, err
	}
	s.quick, err = s.quickTransport(base, dialer)
	return s, err
}

// transport makes a transport of the server's own with what the kubeconfig says
// of authority and user.
func (s *server) transport(base *rest.Config, dialer *net.Dialer, protocols []string) (http.RoundTripper, error) {
	wire, tlsConfig, err := s.credentials(base, dialer, protocols)
	if err != nil {
		return nil, err
	}
	rt := &http.Transport{
		Proxy: before(base), DialContext: wire.DialHolder.Dial, TLSClientConfig: tlsConfig,
		TLSHandshakeTimeout: dialTime, MaxIdleConnsPerHost: 64, IdleConnTimeout: time.Minute, DisableCompression: true,
		ForceAttemptHTTP2: protocols == nil,
		HTTP2:             &http.HTTP2Config{SendPingTimeout: 10 * time.Second, PingTimeout: 5 * time.Second},
	}
	s.closers = append(s.closers, rt.CloseIdleConnections)
	return transport.HTTPWrappersForConfig(wire, rt)
}

// quickTransport makes the one for requests that are soon over, or returns nil
// if an HTTP proxy stands before the server.
func (s *server) quickTransport(base *rest.Config, dialer *net.Dialer) (http.RoundTripper, error) {
	if u, err := before(base)(&http.Request{URL: s.url}); u != nil || err != nil {
		return nil, nil //nolint:nilerror // whoever asks through the proxy is told
	}
	wire, tlsConfig, err := s.credentials(base, dialer, nil)
	if err != nil {
		return nil, err
	}
	q, err := newQuick(s.url, wire.DialHolder.Dial, tlsConfig)
	if err != nil {
		return nil, err
	}
	s.closers = append(s.closers, q.transport.Close)
	return transport.HTTPWrappersForConfig(wire, q)
}

// before returns what names the HTTP proxy that stands before a server.
func before(base *rest.Config) func(*http.Request) (*url.URL, error) {
	if base.Proxy != nil {
		return base.Proxy
	}
	return http.ProxyFromEnvironment
}

// credentials reads how to show who the user is, and whom to trust; client-go
// knows all the ways to say that. The TLS configuration is nil for http.
func (s *server) credentials(base *rest.Config, dialer *net.Dialer, protocols []string) (*transport.Config, *tls.Config, error) {
	config := rest.CopyConfig(base)
	config.Host = s.url.String()
	config.Timeout = 0 // watches have no end
	config.NextProtos = protocols
	config.Dial = dialer.DialContext
	config.Wrap(splitCredential)
	wire, err := config.TransportConfig()
	if err != nil {
		return nil, nil, fmt.Errorf("reading the credentials: %w", err)
	}
	tlsConfig, err := transport.TLSConfigFor(wire)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the credentials: %w", err)
	}
	return wire, tlsConfig, nil
}

// quickMost is how many requests may be under way at a server before further
// ones share connections of HTTP/2.
const quickMost = 128

// choose returns the transport that suits a request.
func (s *server) choose(r *http.Request) http.RoundTripper {
	switch {
	case r.Header.Get("Upgrade") != "":
		return s.upgrade
	case s.quick == nil, r.Body != nil && r.Body != http.NoBody, s.inflight.Load() > quickMost, lasts(r.URL.Path, r.URL.RawQuery):
		return s.plain
	}
	return s.quick
}

// note takes the result of a check, and tells whether the state has changed.
// When a server falls ill, whoever waits for its answer is told.
func (s *server) note(err error, now time.Time) (changed bool, h Health) {
	s.mu.Lock()
	defer s.mu.Unlock()
	state, reason := Up, ""
	if err != nil {
		state, reason = Down, err.Error()
	}
	changed = s.health.State != state
	if changed {
		s.health.State, s.health.Since = state, now
	}
	s.health.Reason, s.health.Checked = reason, now
	if state == Down && changed {
		for a := range s.waiting {
			a.cancel(errUnwell)
		}
	}
	return changed, s.health
}

func (s *server) snapshot() Health {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.health
	h.InFlight = s.inflight.Load()
	return h
}

func (s *server) close() {
	for _, f := range s.closers {
		f()
	}
}

// at returns the URL of a path at the server.
func (s *server) at(path string) *url.URL {
	u := *s.url
	u.Path = strings.TrimSuffix(u.Path, "/") + path
	return &u
}

// join returns a request's URL at the server.
func (s *server) join(u *url.URL) *url.URL {
	out := *u
	out.Scheme, out.Host, out.User = s.url.Scheme, s.url.Host, s.url.User
	switch {
	case s.prefix == "":
	case out.Opaque != "":
		out.Opaque = s.prefix + out.Opaque
	default:
		out.Path, out.RawPath = s.prefix+out.Path, s.prefix+out.RawPath
	}
	return &out
}
