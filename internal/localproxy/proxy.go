// Package localproxy is the laptop's side of the way into a cluster: it serves
// the API on a port of this machine with the user's credentials added, as
// kubectl proxy does, over whichever of several API servers is alive and least
// busy. Floor F2.
package localproxy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"k8s.io/client-go/rest"

	"github.com/causeway-access/causeway/internal/route"
)

// Config configures a Proxy. REST is needed; the zero value of all else is the
// default of kubectl proxy.
type Config struct {
	// REST says how to reach the first API server, and who the user is.
	REST *rest.Config
	// Servers are URLs of further API servers of the same cluster, which know
	// the same users and show certificates of the same authority.
	Servers []string
	// Discover adds the API servers that the cluster names in the EndpointSlices
	// of default/kubernetes, as long as they exist.
	Discover bool

	// Filter guards everything that is served; nil guards nothing.
	Filter *Filter
	// APIPrefix is the path under which the API is served; "/" by default.
	APIPrefix string
	// StaticDir is a directory that is served under StaticPrefix; empty for none.
	StaticDir, StaticPrefix string
	// AppendServerPath puts the path of the server's URL before that of each
	// request.
	AppendServerPath bool
	// NoNames turns off local names: http://service.namespace.localhost.
	NoNames bool
	// Namespace is where services are looked for by who may not list them
	// everywhere; "default" by default.
	Namespace string
	// KeepAlive is the TCP keep-alive period; 0 is the system's.
	KeepAlive time.Duration
	// Log hears of servers that come and go. Nil discards it.
	Log *slog.Logger
}

// Proxy is an http.Handler. Close ends it.
type Proxy struct {
	cfg     Config
	handler http.Handler
	// application serves a target by its local name.
	application func(http.ResponseWriter, *http.Request, route.Target)
	servers     *servers
	tunnels     *tunnels
	stop        context.CancelFunc
	done        sync.WaitGroup
}

// New returns a Proxy that has begun to check its servers. It fails for
// credentials that cannot be read and URLs that are none.
func New(cfg Config) (*Proxy, error) {
	if cfg.REST == nil {
		return nil, errors.New("making the proxy: no API server is configured")
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	cfg.APIPrefix, cfg.StaticPrefix = asDir(cfg.APIPrefix, "/"), asDir(cfg.StaticPrefix, "/static/")
	p := &Proxy{cfg: cfg}
	var err error
	if p.servers, err = newServers(cfg); err != nil {
		return nil, fmt.Errorf("making the proxy: %w", err)
	}
	p.handler = cfg.Filter.guard(p.routes())
	p.application = p.applications()
	p.tunnels = newTunnels(p)
	var ctx context.Context
	ctx, p.stop = context.WithCancel(context.Background())
	p.done.Go(func() { p.servers.watch(ctx) })
	return p, nil
}

// Close ends the checks and closes idle connections. Requests under way are
// the http.Server's to end.
func (p *Proxy) Close() {
	p.stop()
	p.done.Wait()
	p.tunnels.close()
	p.servers.close()
}

// ServeHTTP serves what is asked of a proxy (CONNECT, requests in absolute form
// for names in the cluster), applications by their local names, and to all other hosts
// files, the state of the servers, the list of applications, and the API.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if p.tunnels.takes(r) {
		p.tunnels.ServeHTTP(w, r)
		return
	}
	if target, ok := p.nameOf(r); ok {
		p.application(w, r, target)
		return
	}
	if p.misnamed(r) {
		explainNames(w, r)
		return
	}
	p.handler.ServeHTTP(w, r)
}

// routes sends each request where it belongs, by its decoded path. It is no
// http.ServeMux: that would redirect paths with two slashes.
func (p *Proxy) routes() http.Handler {
	files := http.StripPrefix(p.cfg.StaticPrefix, http.FileServer(http.Dir(p.cfg.StaticDir)))
	api := p.keepFromPages(p.forwarder())
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := r.URL.Path
		switch {
		case path == StatusPath:
			p.serveStatus(w, r)
		case p.cfg.StaticDir != "" && len(p.cfg.StaticPrefix) >= len(p.cfg.APIPrefix) && strings.HasPrefix(path, p.cfg.StaticPrefix):
			files.ServeHTTP(w, r)
		case path == ListPath, path == "/" && opensPage(r):
			p.serveList(w, r)
		case strings.HasPrefix(path, p.cfg.APIPrefix):
			api.ServeHTTP(w, r)
		case p.cfg.StaticDir != "" && strings.HasPrefix(path, p.cfg.StaticPrefix):
			files.ServeHTTP(w, r)
		default:
			http.NotFound(w, r)
		}
	})
}

// asDir returns a prefix with a slash at both ends, or otherwise if it is empty.
func asDir(prefix, otherwise string) string {
	if prefix == "" {
		return otherwise
	}
	name := strings.Trim(prefix, "/")
	if name == "" {
		return "/"
	}
	return "/" + name + "/"
}
