package localproxy_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/causeway-access/causeway/internal/localproxy"
)

var quiet = log.New(io.Discard, "", 0)

// serve runs the proxy on a port.
func serve(t testing.TB, p http.Handler) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(p)
	t.Cleanup(s.Close)
	return s
}

func get(t testing.TB, url string, headers ...string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err.Error()
	}
	return resp.StatusCode, string(body)
}

// raw asks with a request line that a client library would change.
func raw(t testing.TB, s *httptest.Server, target string) string {
	t.Helper()
	c, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", target)
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestPathsAndQueriesArriveAsTheyAre(t *testing.T) {
	for _, protocol := range []string{"HTTP/2", "HTTP/1.1"} {
		a := newAPI(t)
		cfg := localproxy.Config{REST: a.config(t)}
		if protocol == "HTTP/1.1" {
			cfg.REST.NextProtos = []string{"http/1.1"}
		}
		s := serve(t, newProxy(t, cfg))
		for _, target := range []string{
			"/api", "/api/v1/namespaces/n/services/s/proxy/a%2Fb?x=%20&y=a+b;c", "/api/v1/x//y", "/a/%41|b", "//double/start", "/q?", "/empty?a&&b=",
		} {
			if got := raw(t, s, target); got != "api "+target {
				t.Errorf("over %s: %q arrived as %q", protocol, target, got)
			}
		}
	}
}

func TestPrefixes(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "page.html"), []byte("a file"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name       string
		cfg        localproxy.Config
		serverPath string
		ask, want  string
		status     int
	}{
		{name: "the API at the root", ask: "/api/v1/pods", want: "api /api/v1/pods", status: 200},
		{name: "under a prefix", cfg: localproxy.Config{APIPrefix: "/custom"}, ask: "/custom/api/v1/pods", want: "api /api/v1/pods", status: 200},
		{name: "beside the prefix", cfg: localproxy.Config{APIPrefix: "/custom/"}, ask: "/api/v1/pods", want: "404 page not found\n", status: 404},
		{name: "a part of the API", cfg: localproxy.Config{APIPrefix: "/api/"}, ask: "/api/v1/pods", want: "api /api/v1/pods", status: 200},
		{name: "files", cfg: localproxy.Config{StaticDir: dir}, ask: "/static/page.html", want: "a file", status: 200},
		{name: "files under a prefix of their own", cfg: localproxy.Config{StaticDir: dir, StaticPrefix: "/www"}, ask: "/www/page.html", want: "a file", status: 200},
		{name: "no files unless asked for", ask: "/static/page.html", want: "api /static/page.html", status: 200},
		{name: "the server's path is left out", serverPath: "/k8s/c1", ask: "/api", want: "api /api", status: 200},
		{name: "or not", serverPath: "/k8s/c1", cfg: localproxy.Config{AppendServerPath: true}, ask: "/api%2F", want: "api /k8s/c1/api%2F", status: 200},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := newAPI(t)
			test.cfg.REST = a.config(t)
			test.cfg.REST.Host += test.serverPath
			status, body := get(t, serve(t, newProxy(t, test.cfg)).URL+test.ask)
			if status != test.status || body != test.want {
				t.Errorf("%d %q, want %d %q", status, body, test.status, test.want)
			}
		})
	}
}

func TestApplicationsGetTheirOwnAuthorization(t *testing.T) {
	const target = "/api/v1/namespaces/n/services/s/proxy/"
	for _, test := range []struct {
		name       string
		splits     bool
		path, sent string
		status     int
		arrives    string
	}{
		{"behind a service", true, target, "Basic YTpi", 200, "Basic YTpi"},
		{"none is sent", true, target, "", 200, "Bearer " + token},
		{"the API itself takes it for its own", true, "/api/v1/pods", "Basic YTpi", 401, ""},
		{"a server that cannot tell them apart takes it too", false, target, "Basic YTpi", 401, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := newAPI(t, func(a *api) { a.splits = test.splits })
			p := newProxy(t, localproxy.Config{REST: a.config(t)})
			eventually(t, "the server was checked", func() bool { return p.Status().Servers[0].State == localproxy.Up })
			var headers []string
			if test.sent != "" {
				headers = []string{"Authorization", test.sent}
			}
			if status, body := get(t, serve(t, p).URL+test.path, headers...); status != test.status {
				t.Fatalf("%d %s, want %d", status, body, test.status)
			}
			if test.arrives != "" && a.seen().Header.Get("Authorization") != test.arrives {
				t.Errorf("arrived: %q, want %q", a.seen().Header.Get("Authorization"), test.arrives)
			}
		})
	}
}

func TestUpgradesPass(t *testing.T) {
	upgrader := websocket.Upgrader{}
	a := newAPI(t, func(a *api) {
		a.handle = func(w http.ResponseWriter, r *http.Request) {
			c, err := upgrader.Upgrade(w, r, nil)
			if err != nil {
				return
			}
			defer c.Close()
			for {
				kind, message, err := c.ReadMessage()
				if err != nil || c.WriteMessage(kind, append([]byte(r.RequestURI+" "), message...)) != nil {
					return
				}
			}
		}
	})
	s := serve(t, newProxy(t, localproxy.Config{REST: a.config(t)}))
	c, resp, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(s.URL, "http")+"/watch?q=1", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	resp.Body.Close()
	if err := c.WriteMessage(websocket.TextMessage, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	if _, got, err := c.ReadMessage(); err != nil || string(got) != "/watch?q=1 hello" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestWatchesArriveAsTheyCome(t *testing.T) {
	next := make(chan struct{})
	a := newAPI(t, func(a *api) {
		a.handle = func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, "first\n")
			http.NewResponseController(w).Flush()
			<-next // until the first was read
			io.WriteString(w, "second\n")
		}
	})
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, serve(t, newProxy(t, localproxy.Config{REST: a.config(t)})).URL+"/w", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewReader(resp.Body)
	for _, want := range []string{"first\n", "second\n"} {
		if got, err := lines.ReadString('\n'); got != want || err != nil {
			t.Fatalf("%q, %v; want %q", got, err, want)
		}
		if want == "first\n" {
			close(next)
		}
	}
}

// TestTwoOfThreeServersDie is the promise of the local proxy: who asks through
// it does not notice.
func TestTwoOfThreeServersDie(t *testing.T) {
	// An answer that has begun when its server dies is lost. One without a body
	// ends as it begins.
	headAlone := func(a *api) { a.handle = func(http.ResponseWriter, *http.Request) {} }
	servers := []*api{newAPI(t, headAlone), newAPI(t, headAlone), newAPI(t, headAlone)}
	cfg := localproxy.Config{REST: servers[0].config(t), Servers: []string{servers[1].URL, servers[2].URL}}
	p := newProxy(t, cfg)
	s := serve(t, p)

	ctx, stop := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	var asked atomic.Int64
	for range 4 {
		clients.Go(func() {
			for ctx.Err() == nil {
				if status, body := get(t, s.URL+"/api/v1/pods"); status != http.StatusOK {
					t.Errorf("after %d requests: %d %s", asked.Load(), status, body)
					return
				}
				asked.Add(1)
			}
		})
	}
	more := func(n int64) func() bool {
		until := asked.Load() + n
		return func() bool { return asked.Load() >= until || t.Failed() }
	}
	eventually(t, "requests are served", more(50))
	servers[0].kill()
	eventually(t, "requests are served by two", more(50))
	servers[1].kill()
	eventually(t, "requests are served by one", more(50))
	eventually(t, "the dead are known as such", func() bool {
		all := p.Status().Servers
		return all[0].State == localproxy.Down && all[1].State == localproxy.Down && all[2].State == localproxy.Up
	})
	eventually(t, "requests are still served", more(50))
	stop()
	clients.Wait()
}

func TestAServerThatFreezesIsLeft(t *testing.T) {
	frozen, thaw := atomic.Bool{}, make(chan struct{})
	hang := func(w http.ResponseWriter, r *http.Request) {
		if frozen.Load() {
			select {
			case <-thaw:
			case <-r.Context().Done():
			}
		}
		io.WriteString(w, "first")
	}
	first := newAPI(t, func(a *api) { a.handle = hang })
	second := newAPI(t, func(a *api) { a.name = "second" })
	defer close(thaw)
	p := newProxy(t, localproxy.Config{REST: first.config(t), Servers: []string{second.URL}})
	s := serve(t, p)
	eventually(t, "both are known to be up", func() bool {
		all := p.Status().Servers
		return all[0].State == localproxy.Up && all[1].State == localproxy.Up
	})
	frozen.Store(true)
	first.unready.Store(true) // what a check sees of it
	if status, body := get(t, s.URL+"/x"); status != http.StatusOK || body != "second /x" {
		t.Errorf("%d %q", status, body)
	}
}

func TestWhatIsNotRepeated(t *testing.T) {
	var served atomic.Int64
	die := func(a *api) {
		a.handle = func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			served.Add(1)
			panic(http.ErrAbortHandler)
		}
	}
	first, second := newAPI(t, die), newAPI(t, die)
	s := serve(t, newProxy(t, localproxy.Config{REST: first.config(t), Servers: []string{second.URL}}))
	resp, err := http.Post(s.URL+"/api/v1/namespaces/n/pods", "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusBadGateway || served.Load() != 1 {
		t.Errorf("a POST that a server may have carried out: %s, served %d times", resp.Status, served.Load())
	}
	if status, body := get(t, s.URL+"/x"); status != http.StatusBadGateway || served.Load() != 3 ||
		!strings.Contains(body, first.URL) || !strings.Contains(body, second.URL) {
		t.Errorf("a GET is tried at both, and both are named: %d %q, served %d times", status, body, served.Load())
	}
}

func TestBodiesReachTheServerThatIsAlive(t *testing.T) {
	dead, alive := newAPI(t), newAPI(t, func(a *api) {
		a.handle = func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) }
	})
	dead.kill()
	for _, size := range []int{0, 10, 100 << 10, 1 << 20} {
		s := serve(t, newProxy(t, localproxy.Config{REST: dead.config(t), Servers: []string{alive.URL}}))
		sent := strings.Repeat("x", size)
		resp, err := http.Post(s.URL+"/api", "text/plain", strings.NewReader(sent))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK || string(got) != sent {
			t.Errorf("%d bytes: %s, %d came back, %v", size, resp.Status, len(got), err)
		}
	}
}

func TestServersOfTheClusterAreFound(t *testing.T) {
	second := newAPI(t, func(a *api) { a.name = "second" })
	host, port, _ := net.SplitHostPort(second.Listener.Addr().String())
	first := newAPI(t, func(a *api) {
		a.handle = func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, "/apis/discovery.k8s.io/") {
				w.Header().Set("Content-Type", "application/json")
				fmt.Fprintf(w, `{"kind":"EndpointSliceList","apiVersion":"discovery.k8s.io/v1","items":[{"addressType":"IPv4","endpoints":[{"addresses":["%s"]}],"ports":[{"name":"https","port":%s}]}]}`, host, port)
			}
		}
	})
	p := newProxy(t, localproxy.Config{REST: first.config(t), Discover: true})
	eventually(t, "the second is found and up", func() bool {
		all := p.Status().Servers
		return len(all) == 2 && all[1].URL == second.URL && all[1].Discovered && all[1].State == localproxy.Up
	})
	first.kill()
	if status, body := get(t, serve(t, p).URL+"/x"); status != http.StatusOK || body != "second /x" {
		t.Errorf("%d %q", status, body)
	}
}
