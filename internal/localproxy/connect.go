package localproxy

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/causeway-access/causeway/internal/conn"
	"github.com/causeway-access/causeway/internal/portforward"
)

// tunnels serve the proxy protocols of programs that do not know the API:
// CONNECT, requests in absolute form, and SOCKS5. They reach services and pods
// by the names that these have in the cluster, and nothing else.
type tunnels struct {
	filter *Filter
	dialer *portforward.Dialer
	http   *httputil.ReverseProxy
	log    *slog.Logger

	life    context.Context // ends with the proxy
	stop    context.CancelFunc
	running sync.WaitGroup
}

func newTunnels(p *Proxy) *tunnels {
	first := p.servers.list()[0]
	base := &url.URL{Scheme: first.url.Scheme, Host: first.url.Host}
	if first.prefix == "" { // else send adds it
		base.Path = first.url.Path
	}
	t := &tunnels{
		filter: p.cfg.Filter, log: p.cfg.Log,
		dialer: portforward.New(portforward.Config{API: failover{p.servers}, URL: base, Log: p.cfg.Log}),
	}
	t.life, t.stop = context.WithCancel(context.Background())
	t.http = &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.Out.Host = r.In.Host },
		Transport:     &http.Transport{DialContext: t.dialName, IdleConnTimeout: time.Minute, DisableCompression: true},
		FlushInterval: -1,
		ErrorHandler:  func(w http.ResponseWriter, _ *http.Request, err error) { refuse(w, err) },
		ErrorLog:      slog.NewLogLogger(p.cfg.Log.Handler(), slog.LevelDebug),
	}
	return t
}

// close ends what goes through the tunnels.
func (t *tunnels) close() {
	t.stop()
	t.http.Transport.(*http.Transport).CloseIdleConnections()
	t.running.Wait()
	t.dialer.Close()
}

// Dial connects to a port of a service or pod through whichever API server is
// alive. The end of ctx ends the attempt, not the connection.
func (p *Proxy) Dial(ctx context.Context, t portforward.Target, port uint16) (*portforward.Conn, error) {
	return p.tunnels.dialer.Dial(ctx, t, port)
}

// Check asks whether Dial may be called for a target.
func (p *Proxy) Check(ctx context.Context, t portforward.Target) error {
	return p.tunnels.dialer.Check(ctx, t)
}

// Port returns the number of a target's TCP port by its name.
func (p *Proxy) Port(ctx context.Context, t portforward.Target, name string) (uint16, error) {
	return p.tunnels.dialer.Port(ctx, t, name)
}

// takes reports whether a request is made to a proxy: a page in a browser, which
// names this port as a server, can make neither kind.
func (t *tunnels) takes(r *http.Request) bool {
	if r.Method == http.MethodConnect {
		return true
	}
	if !r.URL.IsAbs() || r.URL.Host == "" {
		return false
	}
	if _, ok := parseClusterName(r.URL.Hostname()); ok {
		return true
	}
	local := r.URL.Hostname() == "localhost" || strings.HasSuffix(r.URL.Hostname(), ".localhost")
	return !local && t.filter != nil && !t.filter.acceptsHost(r.URL.Host)
}

// ServeHTTP serves what takes takes.
func (t *tunnels) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	t.running.Add(1)
	defer t.running.Done()
	authority := r.URL.Host
	if r.Method == http.MethodConnect {
		authority = r.RequestURI
	} else if r.URL.Port() == "" {
		authority = net.JoinHostPort(r.URL.Hostname(), "80")
	}
	target, port, err := t.resolve(authority, r.Method)
	switch {
	case err != nil:
		refuse(w, err)
	case r.Method == http.MethodConnect:
		t.connect(w, r, target, port)
	case r.URL.Scheme != "http" || foreign(r):
		refuse(w, &notAllowedError{"requests of other sites' pages are not passed on, nor are other schemes than http"})
	default:
		t.http.ServeHTTP(w, r)
	}
}

// dialName dials host:port of requests in absolute form, which were resolved
// once already.
func (t *tunnels) dialName(ctx context.Context, _, address string) (net.Conn, error) {
	target, port, err := t.resolve(address, http.MethodConnect)
	if err != nil {
		return nil, err
	}
	return t.dialer.Dial(ctx, target, port)
}

// connect answers CONNECT and copies both ways.
func (t *tunnels) connect(w http.ResponseWriter, r *http.Request, target portforward.Target, port uint16) {
	backend, err := t.dialer.Dial(r.Context(), target, port)
	if err != nil {
		refuse(w, err)
		return
	}
	defer backend.Close()
	client, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		refuse(w, fmt.Errorf("taking the connection over: %w", err))
		return
	}
	defer client.Close()
	if _, err := io.WriteString(client, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		return // nobody is there
	}
	ahead, _ := buffered.Reader.Peek(buffered.Reader.Buffered())
	t.relay(conn.WithAhead(client, ahead), backend, target, port)
}

// relay copies until both sides have ended.
func (t *tunnels) relay(client, backend net.Conn, target portforward.Target, port uint16) {
	if err := conn.Relay(t.life, client, backend, nil, nil); err != nil {
		t.log.Debug("a forwarded connection broke off", "target", target.String(), "namespace", target.Namespace, "port", port, "error", err)
	}
}
