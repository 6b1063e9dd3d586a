package localproxy

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/causeway-access/causeway/internal/rewrite"
	"github.com/causeway-access/causeway/internal/route"
)

// An API server takes an application that it proxies for one below a prefix: it
// puts that before the URLs of answers. Under a local name there is no prefix.
// Causeway's gateway is told so and changes nothing; what others have put is
// taken off here.

// askAgain is how long a server that does not know of own origins is believed.
const askAgain = time.Minute

// ownOrigins says whether a server knows what route.OwnOriginHeader means. It
// is sent to no other: it would go on to the application.
type ownOrigins struct {
	mu    sync.Mutex
	known bool
	asked time.Time
}

// knowsOwnOrigins asks the server once, when it first matters.
func (s *server) knowsOwnOrigins(ctx context.Context) bool {
	o := &s.ownOrigins
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.known || !o.asked.IsZero() && time.Since(o.asked) < askAgain {
		return o.known
	}
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.at("/api").String(), nil)
	if err != nil {
		return false
	}
	r.Header.Set(route.OwnOriginHeader, "?")
	resp, err := s.plain.RoundTrip(r)
	if err != nil {
		return false // and so will be the request itself
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // to keep the connection
	o.known, o.asked = resp.Header.Get(route.OwnOriginHeader) != "", time.Now()
	if o.known {
		s.splits.Store(true)
	}
	return o.known
}

// placed returns the request as this server is to get it, if it is one to a
// local name or of the proxy's own; others it returns as they are.
func (s *server) placed(r *http.Request) *http.Request {
	n, ok := namedIn(r.Context())
	if !ok && r.Context().Value(wholeKey{}) == nil {
		return r
	}
	out := r.WithContext(r.Context())
	out.URL = s.below(r.URL)
	if !ok {
		return out
	}
	out.Header = r.Header.Clone()
	if s.knowsOwnOrigins(r.Context()) {
		out.Header[route.OwnOriginHeader] = []string{"http://" + n.host}
		return out
	}
	// The application will take the server's host for its own, and compares
	// with it whose page a request is for.
	own, theirs := "http://"+n.host, s.url.Scheme+"://"+s.url.Host
	for _, name := range []string{"Origin", "Referer"} {
		if value := out.Header.Get(name); value == own || strings.HasPrefix(value, own+"/") {
			out.Header[name] = []string{theirs + value[len(own):]}
		}
	}
	if !s.splits.Load() {
		delete(out.Header, "Authorization") // the server would take it for its own
	}
	return out
}

// below returns a URL with the path of the server's own before it, where that
// is not done for every request.
func (s *server) below(u *url.URL) *url.URL {
	path := strings.TrimSuffix(s.url.Path, "/")
	if path == "" || s.prefix != "" {
		return u
	}
	out := *u
	if out.Opaque != "" {
		out.Opaque = path + out.Opaque
	} else {
		out.Path, out.RawPath = path+out.Path, path+out.EscapedPath()
	}
	return &out
}

// unplaced takes the prefix off that this server has put into the answer to a
// request which placed has returned.
func (s *server) unplaced(r *http.Request, resp *http.Response) *http.Response {
	n, ok := namedIn(r.Context())
	if !ok || resp.StatusCode == http.StatusSwitchingProtocols || len(r.Header[route.OwnOriginHeader]) > 0 {
		return resp
	}
	rules := &rewrite.Rules{Root: true, Prefix: n.target.Prefix, ClientHost: n.host, ClientProto: "http", BackendHost: s.url.Host}
	rules.Response(resp.Header, true)
	if rules.Page(resp.Header, resp, r.Method) {
		resp.Body = rewritten(rules, resp.Body, resp.Header.Clone())
		resp.ContentLength = -1
	}
	return resp
}

// rewritten is the body of a page with its URLs changed. It ends its source
// itself, which is the business of one goroutine at a time and ends early with
// its request.
func rewritten(rules *rewrite.Rules, src io.ReadCloser, h http.Header) io.ReadCloser {
	body, dst := io.Pipe()
	go func() {
		defer src.Close()
		dst.CloseWithError(rules.Copy(unbuffered{dst}, src, h))
	}()
	return body
}

// unbuffered is a pipe: what is written was read.
type unbuffered struct{ io.Writer }

func (unbuffered) Flush() {}
