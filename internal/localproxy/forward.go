package localproxy

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptrace"
	"net/http/httputil"
	"strings"
	"sync/atomic"

	"github.com/causeway-access/causeway/internal/route"
	"github.com/causeway-access/causeway/internal/transport"
)

// forwarder passes requests to the API servers.
func (p *Proxy) forwarder() http.Handler {
	return lean{&httputil.ReverseProxy{
		Rewrite:      p.rewrite,
		Transport:    failover{p.servers},
		ErrorHandler: failed,
		ErrorLog:     slog.NewLogLogger(p.cfg.Log.Handler(), slog.LevelDebug),
	}}
}

// rewrite gives the request its path at the server, byte for byte as it came
// but for the prefix, and the query likewise.
func (p *Proxy) rewrite(r *httputil.ProxyRequest) {
	path, query, _ := strings.Cut(r.In.RequestURI, "?")
	if !strings.HasPrefix(path, "/") { // absolute form
		path, query = r.In.URL.EscapedPath(), r.In.URL.RawQuery
	}
	path = "/" + strings.TrimPrefix(path, p.cfg.taken())
	r.Out.URL.RawQuery = query
	transport.SetPath(r.Out.URL, path)
	r.Out.Host = "" // the server's own
	if values := r.In.Header["Authorization"]; len(values) > 0 {
		if _, isTarget := route.Parse(path, query); isTarget {
			r.Out = r.Out.WithContext(context.WithValue(r.Out.Context(), wishKey{}, values))
		}
	}
}

// taken is the prefix that is taken off paths. As with kubectl, that is none that
// begins with /api: the API's own paths do.
func (c *Config) taken() string {
	if strings.HasPrefix(c.APIPrefix, "/api") {
		return "/"
	}
	return c.APIPrefix
}

// wishKey is the context key of an Authorization header that is meant for the
// application, if the server can tell the two apart.
type wishKey struct{}

// failed tells the client that no API server answered.
func failed(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		return // nobody is there to read it
	}
	http.Error(w, "error: "+err.Error(), http.StatusBadGateway)
}

// failover is a transport over all API servers.
type failover struct{ servers *servers }

// RoundTrip tries the least busy server, and others as long as nothing was
// sent or the request may be sent again.
func (f failover) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := newReplay(r)
	if err != nil {
		return nil, err
	}
	var tried []*server
	var failures []error
	for {
		one := f.servers.pick(tried)
		if one == nil {
			return nil, unanswered(failures)
		}
		tried = append(tried, one)
		out := one.placed(r)
		resp, sent, err := one.send(out, body)
		if err == nil {
			return one.unplaced(out, resp), nil
		}
		if r.Context().Err() != nil {
			return nil, context.Cause(r.Context())
		}
		failures = append(failures, &serverError{one.url.String(), err})
		if sent && !body.repeatable(r.Method) {
			return nil, unanswered(failures)
		}
	}
}

// send makes one attempt. Sent tells whether the server may have seen any of
// the request.
func (s *server) send(r *http.Request, body *replay) (resp *http.Response, sent bool, err error) {
	ctx, attempt := s.begin(r.Context())
	over := s.choose(r)
	var connected atomic.Bool
	if over != s.quick {
		trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }}
		if before, ok := ctx.Value(forerunnerKey{}).(*forerunner); ok {
			trace.Got1xxResponse = before.pass
		}
		ctx = httptrace.WithClientTrace(ctx, trace)
	}
	out := r.WithContext(ctx)
	out.URL = s.join(r.URL)
	body.attach(out)
	if values, ok := r.Context().Value(wishKey{}).([]string); ok && s.splits.Load() {
		out = out.WithContext(forApplication(ctx, values))
		out.Header = r.Header.Clone()
		delete(out.Header, "Authorization")
	}
	resp, err = over.RoundTrip(out)
	if err == nil {
		err = readAhead(r, resp)
	}
	if err != nil {
		sent = connected.Load() || over == s.quick && !unsent(err)
		if cause := context.Cause(ctx); errors.Is(cause, errUnwell) {
			err = cause
		}
		attempt.end()
		return nil, sent, err
	}
	attempt.answered()
	if resp.StatusCode == http.StatusSwitchingProtocols {
		context.AfterFunc(r.Context(), attempt.end) // its body is the connection, to be written too
		return resp, true, nil
	}
	resp.Body = &ending{resp.Body, attempt}
	return resp, true, nil
}
