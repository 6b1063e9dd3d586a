package localproxy_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
	"k8s.io/apimachinery/pkg/util/proxy"

	"github.com/causeway-access/causeway/internal/localproxy"
)

// kubernetes has an API server proxy to a backend as kube-apiserver does: by the
// same handler, which puts its prefix into redirects and pages.
func kubernetes(t *testing.T, backend http.Handler) *api {
	t.Helper()
	app := httptest.NewServer(backend)
	t.Cleanup(app.Close)
	return newAPI(t, func(a *api) {
		a.handle = func(w http.ResponseWriter, r *http.Request) {
			_, path, ok := strings.Cut(r.URL.EscapedPath(), "/proxy")
			if !ok {
				http.NotFound(w, r)
				return
			}
			r.Header.Del("Authorization")
			to := &url.URL{Scheme: "http", Host: app.Listener.Addr().String(), RawPath: path, RawQuery: r.URL.RawQuery}
			to.Path, _ = url.PathUnescape(path)
			proxy.NewUpgradeAwareHandler(to, nil, true, false, failing{t}).ServeHTTP(w, r)
		}
	})
}

type failing struct{ t *testing.T }

func (f failing) Error(w http.ResponseWriter, r *http.Request, err error) {
	f.t.Errorf("%s: %v", r.URL, err)
	http.Error(w, err.Error(), http.StatusInternalServerError)
}

// site is an application that believes to be at the root of its host.
func site(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	switch r.URL.Path {
	case "/":
		h.Set("Set-Cookie", "session=1; Path=/; Domain=default.localhost")
		http.Redirect(w, r, "/home/?a=b", http.StatusFound)
	case "/absolute":
		h.Set("Location", "https://"+r.Host+"/home/")
		w.WriteHeader(http.StatusFound)
	case "/home/":
		h.Set("Content-Type", "text/html; charset=utf-8")
		out := io.Writer(w)
		if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			h.Set("Content-Encoding", "gzip")
			coded := gzip.NewWriter(w)
			defer coded.Close()
			out = coded
		}
		fmt.Fprintf(out, `<base href="https://%s/home/"><a href="/x?y#z">x</a><script src="/app.js"></script><img srcset="/y.png 2x"><a href="https://example.com/x">out</a><p>/z</p>`, r.Host)
	case "/ws":
		c, err := (&websocket.Upgrader{}).Upgrade(w, r, nil) // which compares Origin with Host
		if err != nil {
			return
		}
		defer c.Close()
		kind, message, err := c.ReadMessage()
		if err == nil {
			_ = c.WriteMessage(kind, message)
		}
	default:
		fmt.Fprintf(w, "%s %s %s", r.Method, r.URL.RequestURI(), r.Header.Get("Cookie"))
	}
}

// client resolves names as browsers do, and follows redirects and keeps cookies
// as they do.
func client(t *testing.T, s *httptest.Server) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DialContext = toServer(s)
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Jar: jar, Transport: transport}
}

func TestKubernetesPrefixIsTakenOff(t *testing.T) {
	a := kubernetes(t, http.HandlerFunc(site))
	s := serve(t, newProxy(t, localproxy.Config{REST: a.config(t), Filter: defaults(t)}))
	const origin = "http://https.web--default.localhost:8001"
	const page = `<base href="` + origin + `/home/"><a href="/x?y#z">x</a><script src="/app.js"></script><img srcset="/y.png 2x"><a href="https://example.com/x">out</a><p>/z</p>`
	for _, coding := range []string{"identity", "gzip"} {
		c := client(t, s)
		for _, start := range []string{"/", "/absolute"} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, origin+start, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Accept-Encoding", coding)
			resp, err := c.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			var body io.Reader = resp.Body
			if resp.Header.Get("Content-Encoding") == "gzip" {
				if body, err = gzip.NewReader(body); err != nil {
					t.Fatal(err)
				}
			}
			got, err := io.ReadAll(body)
			resp.Body.Close()
			if err != nil || string(got) != page {
				t.Errorf("%s, %s: %s %s (%v), want\n%s", start, coding, resp.Status, got, err, page)
			}
			if at := resp.Request.URL.String(); !strings.HasPrefix(at, origin+"/home/") {
				t.Errorf("%s led to %s", start, at)
			}
		}
		resp, err := c.Post(origin+"/form?x", "text/plain", strings.NewReader("y"))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if want := "POST /form?x session=1"; err != nil || string(got) != want {
			t.Errorf("a form with a cookie arrives as %q (%v), want %q", got, err, want)
		}
	}
}

func TestWebSocketsByNameThroughKubernetes(t *testing.T) {
	a := kubernetes(t, http.HandlerFunc(site))
	s := serve(t, newProxy(t, localproxy.Config{REST: a.config(t), Filter: defaults(t)}))
	dialer := websocket.Dialer{NetDialContext: toServer(s)}
	c, resp, err := dialer.DialContext(t.Context(), "ws://web.default.localhost:8001/ws?x=1", http.Header{"Origin": {"http://web.default.localhost:8001"}})
	if err != nil {
		t.Fatalf("%v %v", err, resp)
	}
	defer c.Close()
	if err := c.WriteMessage(websocket.TextMessage, []byte("over and back")); err != nil {
		t.Fatal(err)
	}
	if _, got, err := c.ReadMessage(); err != nil || string(got) != "over and back" {
		t.Errorf("%q, %v", got, err)
	}
	_, resp, err = dialer.DialContext(t.Context(), "ws://web.default.localhost:8001/ws", http.Header{"Origin": {"http://other.default.localhost:8001"}})
	if err == nil || resp == nil || resp.StatusCode != http.StatusForbidden {
		t.Errorf("the page of another application: %v, %v", resp, err)
	}
}

// TestAPageThatBreaksOff must not be taken for a whole one.
func TestAPageThatBreaksOff(t *testing.T) {
	a := newAPI(t, func(a *api) {
		a.handle = func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, `<a href="/api/v1/namespaces/default/services/web/proxy/x">`)
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}
	})
	s := serve(t, newProxy(t, localproxy.Config{REST: a.config(t), Filter: defaults(t)}))
	resp, err := client(t, s).Get("http://web.default.localhost:8001/")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if got, err := io.ReadAll(resp.Body); err == nil || string(got) != `<a href="/x">` {
		t.Errorf("read %q, %v", got, err)
	}
}
