//go:build host

package browser

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/causeway-access/causeway/test/inside"
)

// proxy runs `causeway proxy` until the test ends and returns its port.
func (s *site) proxy(t *testing.T) string {
	t.Helper()
	cmd := s.command("causeway", "proxy", "--port=0")
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	serve(t, cmd)
	line, err := bufio.NewReader(stdout).ReadString('\n')
	at := strings.LastIndexByte(line, ':')
	if err != nil || at < 0 {
		t.Fatalf("the proxy says %q, %v", line, err)
	}
	return strings.TrimSpace(line[at+1:])
}

// named is an application's URL at the proxy.
func (s *site) named(name string) string { return "http://" + name + ".localhost:" + s.Port + "/" }

// listed is the page that a person sees first.
func listed(t *testing.T, s *site, b *chromium) {
	p := b.window(t, login{})
	p.open("http://localhost:" + s.Port + "/")
	p.until(`[...document.querySelectorAll("td")].some(d => d.innerText == "monitoring-prometheus")`)
	if got := eval[string](p, `getComputedStyle(document.querySelector("table")).borderCollapse`); got != "collapse" {
		t.Errorf("the style does not apply: %s", got)
	}
	p.picture("services")
	p.do(chromedp.Click(chromedp.CSS(`a[href="` + s.named("echo.default") + `"]`)))
	p.until(`location.href == "` + s.named("echo.default") + `" && document.body.innerText.includes('"method": "GET"')`)
	p.wantNothingWrong()

	p.open(s.named("nobody.default"))
	p.until(`document.body.innerText.includes('services "nobody" not found') && document.body.innerText.includes("http://web.default.localhost:` + s.Port + `/")`)
	p.open(s.named("nobody"))
	p.until(`document.querySelector("h1").innerText == "No such name"`)
	p.do(chromedp.Click(chromedp.CSS(`a[href="http://localhost:` + s.Port + `/"]`)))
	p.until(`document.title == "Causeway: services"`)
}

// jupyterNamed is a day's work with a Jupyter that is told nothing.
func jupyterNamed(t *testing.T, s *site, b *chromium) {
	s.jupyter(t, "notebook", 8891, "api")
	if err := os.WriteFile(filepath.Join(s.Home, "notebooks", "by-name.csv"), []byte("a,b\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	origin := s.named("notebook.default")
	p := b.window(t, login{})
	p.logIn(origin, jupyterSecret(t, s))
	p.until(`location.pathname == "/tree" && [...document.querySelectorAll(".item_name")].some(n => n.innerText == "by-name.csv")`)
	notebook := p.opens(
		chromedp.Click(chromedp.CSS("#new-dropdown-button")),
		chromedp.Click(chromedp.CSS("#kernel-python3 a")),
	)
	notebook.until(`document.querySelector(".code_cell") && Jupyter.notebook.kernel && Jupyter.notebook.kernel.is_connected()`)
	notebook.do(
		chromedp.Click(chromedp.CSS(".code_cell .CodeMirror")),
		chromedp.KeyEvent("import platform; [platform.system(), 6*7]"),
		chromedp.KeyEvent("\r", chromedp.KeyModifiers(chromedp.ModifierShift)),
	)
	notebook.until(`[...document.querySelectorAll(".output_result pre")].some(n => n.innerText == "['Linux', 42]")`)
	name := eval[string](notebook, `Jupyter.notebook.notebook_path`)
	notebook.do(chromedp.Click(chromedp.CSS(`#save-notbook button`)))
	notebook.until(`!Jupyter.notebook.dirty && Jupyter.notebook.last_modified`)
	if data, err := os.ReadFile(filepath.Join(s.Home, "notebooks", name)); err != nil || !bytes.Contains(data, []byte("6*7")) {
		t.Errorf("the notebook was saved as %s (%v)", data, err)
	}
	notebook.picture("jupyter")
	for _, tab := range []*tab{p, notebook} {
		tab.wantNothingOutside(strings.TrimSuffix(origin, "/"))
		tab.wantNothingWrong("/nbextensions/widgets/") // which Debian does not have
	}
	if p.prompts()+notebook.prompts() > 0 {
		t.Error("the browser asked for a password")
	}
}

// prometheusNamed is a Prometheus that is told nothing.
func prometheusNamed(t *testing.T, s *site, b *chromium) {
	serve(t, s.command("prometheus", "--config.file=prometheus.yml", "--storage.tsdb.path=prometheus-by-name", "--web.listen-address="+inside.Address+":9091"))
	s.service(t, "prometheus", 9091, "-/ready")
	origin := s.named("prometheus.default")
	p := b.window(t, login{})
	p.open(origin)
	p.until(`document.title.startsWith("Prometheus") && document.querySelector("textarea[name=expr]") && location.href.startsWith("` + origin + `")`)
	p.eventually("it has looked at itself often enough for a line", func() bool {
		return eval[int](p, `fetch("/api/v1/query?query=count_over_time(up[1m])>9").then(r => r.json()).then(a => a.data.result.length)`) > 0
	})
	p.do(chromedp.SendKeys(chromedp.CSS("textarea[name=expr]"), "up"+kb.Escape+kb.Enter))
	p.until(`/^up\{.*job="prometheus".*\}\s*1$/m.test(document.querySelector("#graph_container").innerText)`)
	p.open(origin + "classic/graph?g0.expr=rate(prometheus_http_requests_total[10s])&g0.tab=0&g0.range_input=1m&g0.step_input=1")
	p.until(`document.querySelector("svg path")`)
	p.picture("prometheus")
	p.open(origin + "classic/targets")
	p.until(`document.querySelector(".targets, .table") && /\bUP\b/i.test(document.body.innerText)`)
	p.wantNothingOutside(strings.TrimSuffix(origin, "/"))
	p.wantNothingWrong("popper.min.js", "require Popper") // see prometheus
}

// influxNamed has a page ask by absolute paths, which below a prefix lead to
// the API.
func influxNamed(t *testing.T, s *site, b *chromium) {
	p := b.window(t, login{})
	p.open(s.named("monitoring-influxdb.kube-system") + "query?q=SHOW+DATABASES")
	got := eval[string](p, `(async () => {
		const post = (path, body) => fetch(path, {method: "POST", headers: {"Content-Type": "application/x-www-form-urlencoded"}, body});
		const created = await post("/query", "q=CREATE+DATABASE+named");
		const written = await post("/write?db=named", "load,host=a value=0.5 1700000000000000000");
		const read = await (await fetch("/query?db=named&q=" + encodeURIComponent('SELECT value FROM "load"'))).json();
		const ping = await fetch("/ping");
		return [created.status, written.status, ping.status, JSON.stringify(read.results[0].series[0].values)].join(" ");
	})()`)
	if want := `200 204 204 [["2023-11-14T22:13:20Z",0.5]]`; got != want {
		t.Errorf("InfluxDB says %s, want %s", got, want)
	}
	p.open(s.named("monitoring-influxdb.kube-system") + "query?pretty=true&db=named&q=SELECT+value+FROM+%22load%22")
	p.until(`document.body.innerText.includes("2023-11-14T22:13:20Z")`)
	p.picture("influxdb")
	p.wantNothingWrong()
}

// own is an application that does all that a prefix cannot allow.
func own(t *testing.T, s *site, b *chromium) {
	s.serveHere(t, "own", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		switch r.URL.Path {
		case "/worker.js":
			h.Set("Content-Type", "text/javascript")
			_, _ = io.WriteString(w, `self.addEventListener("fetch", e => e.request.url.endsWith("/by-worker") && e.respondWith(new Response("by the worker")))`)
		case "/style.css":
			h.Set("Content-Type", "text/css")
			_, _ = io.WriteString(w, `body{background:url(/picture.svg)}`)
		case "/basic":
			if user, password, _ := r.BasicAuth(); user != "app" || password != "secret" {
				h.Set("WWW-Authenticate", `Basic realm="the application's own"`)
				w.WriteHeader(http.StatusUnauthorized)
			}
			_, _ = io.WriteString(w, r.Header.Get("Authorization"))
		case "/echo":
			_ = json.NewEncoder(w).Encode([]string{r.Host, r.Header.Get("Origin"), r.Header.Get("X-Forwarded-Host"), r.Header.Get("X-Forwarded-Prefix"), r.Header.Get("Cookie")})
		default:
			h["Set-Cookie"] = []string{"__Host-strict=1; Secure; Path=/", "plain=1; Path=/; Domain=default.localhost"}
			h.Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, `<title>own</title><link rel="stylesheet" href="/style.css">`)
		}
	}))
	origin := strings.TrimSuffix(s.named("own.default"), "/")
	p := b.window(t, login{"app", "secret"})
	p.open(origin)
	for script, want := range map[string]string{
		`navigator.serviceWorker.register("/worker.js").then(() => navigator.serviceWorker.ready).then(r => r.scope)`: origin + "/",
		`fetch("/echo", {method: "POST"}).then(r => r.text()).then(t => t.trim())`:                                    `["` + strings.TrimPrefix(origin, "http://") + `","` + origin + `","` + strings.TrimPrefix(origin, "http://") + `","","__Host-strict=1; plain=1"]`,
		`caches.open("a").then(() => isSecureContext + "")`:                                                           "true",
	} {
		if got := eval[string](p, script); got != want {
			t.Errorf("%s gives %s, want %s", script, got, want)
		}
	}
	p.open(origin)
	p.until(`navigator.serviceWorker.controller`)
	if got := eval[string](p, `fetch("/by-worker").then(r => r.text())`); got != "by the worker" {
		t.Errorf("the worker answers %q", got)
	}
	p.open(origin + "/basic")
	if got := eval[string](p, "document.body.innerText"); got != "Basic YXBwOnNlY3JldA==" {
		t.Errorf("the application's password arrives as %q", got)
	}
	p.open(s.named("echo.default") + "cookies")
	if got := eval[string](p, `JSON.stringify(JSON.parse(document.body.innerText))`); got != "{}" {
		t.Errorf("another application of the namespace is shown the cookies %s", got)
	}
	p.wantNothingWrong("401 "+origin, "/picture.svg")
}

// strangers are pages of applications which nobody has a reason to trust. They
// try others and the API, by every way a page has.
func strangers(t *testing.T, s *site, b *chromium) {
	api := "http://localhost:" + s.Port
	attacked := map[string]string{
		"another of the namespace": s.named("echo.default"),
		"one of another namespace": s.named("monitoring-influxdb.kube-system"),
		"the same by another name": s.named("stranger--default"),
		"the API":                  api + secrets,
		"the API by its address":   "http://127.0.0.1:" + s.Port + secrets,
	}
	// The guard is what keeps them away, so the applications must not.
	var reached hits
	s.serveHere(t, "stranger", &reached)
	p := b.window(t, login{})
	p.open(s.named("stranger.default"))
	p.until(`document.title == "stranger"`)
	for name, url := range attacked {
		socket := strings.Replace(url, "http", "ws", 1)
		for way, script := range map[string]string{
			"fetch":         `fetch("` + url + `").then(r => "read " + r.status, () => "no")`,
			"fetch, opaque": `fetch("` + url + `", {mode: "no-cors", credentials: "include"}).then(() => "no", () => "no")`,
			"a change":      `fetch("` + url + `", {method: "POST", mode: "no-cors", body: "{}"}).then(() => "no", () => "no")`,
			"WebSocket":     `new Promise(done => { const w = new WebSocket("` + socket + `"); w.onopen = () => done("open"); w.onclose = () => done("no") })`,
			"events":        `new Promise(done => { const e = new EventSource("` + url + `"); e.onopen = () => done("open"); e.onerror = () => { e.close(); done("no") } })`,
			"an image":      `new Promise(done => { const i = new Image(); i.onload = () => done("seen"); i.onerror = () => done("no"); i.src = "` + url + `" })`,
			"a script":      `new Promise(done => { const i = document.createElement("script"); i.onload = () => done("ran"); i.onerror = () => done("no"); i.src = "` + url + `"; document.body.append(i) })`,
			"a frame": `new Promise(done => { const f = document.createElement("iframe"); f.onload = () => { let r = "no"; try { r = f.contentDocument ? "read " + f.contentDocument.body.innerText : "no" } catch (e) {} done(r) }
				f.src = "` + url + `"; document.body.append(f) })`,
		} {
			if got := eval[string](p, script); got != "no" {
				t.Errorf("%s, by %s: %s", name, way, got)
			}
		}
		p.wantWrong("^403 " + url)
	}
	if n := reached.Load(); n != 0 {
		t.Errorf("the application by its other name was reached %d times", n)
	}
	p.wantRefused(attacked)
	// A person may follow a link from one to another, and the one cannot look
	// into the other's window.
	if got := eval[string](p, `new Promise(done => {
		const w = open("`+s.named("echo.default")+`html");
		const look = () => { try { w.location.href == "about:blank" ? setTimeout(look, 20) : done("saw " + w.document.title) } catch (e) { done(e.name) } };
		look();
	})`); got != "SecurityError" {
		t.Errorf("a page that opens a window of another application: %s", got)
	}
	// Nor can it give cookies to all.
	eval[bool](p, `document.cookie = "tossed=1; Domain=localhost; Path=/", true`)
	p.open(api + "/-/status")
	if got := eval[string](p, "document.cookie"); got != "" {
		t.Errorf("a page has set a cookie for all: %s", got)
	}
}

// prefixed are pages below a prefix at the local proxy, which have the origin
// of the API.
func prefixed(t *testing.T, s *site, b *chromium) {
	p := b.window(t, login{})
	p.open("http://localhost:" + s.Port + secrets)
	if got := eval[string](p, "document.body.innerText"); !strings.Contains(got, `"kind": "SecretList"`) {
		t.Fatalf("a person sees %s", got)
	}
	p.open("http://localhost:" + s.Port + "/api/v1/namespaces/default/services/echo/proxy/html")
	for way, script := range map[string]string{
		"fetch":     `fetch("` + secrets + `").then(r => r.status + "")`,
		"WebSocket": `new Promise(done => { const w = new WebSocket("` + secrets + `?watch=1"); w.onopen = () => done("open"); w.onclose = () => done("403") })`,
		"a frame": `new Promise(done => { const f = document.createElement("iframe"); f.src = "` + secrets + `"
			f.onload = () => { let r = "403"; try { r = f.contentDocument.body.innerText.includes("Forbidden") ? "403" : "read" } catch (e) {} done(r) }; document.body.append(f) })`,
		"a window": `new Promise(done => {
			const w = open("` + secrets + `");
			const look = () => { try { w.closed ? done("403") : w.location.href == "about:blank" ? setTimeout(look, 20) : done("saw " + w.document.body.innerText) } catch (e) { done("403") } };
			look();
		})`,
	} {
		if got := eval[string](p, script); got != "403" {
			t.Errorf("by %s it gets %.200s", way, got)
		}
	}
	if got := eval[int](p, `fetch("hello").then(r => r.status)`); got != 200 {
		t.Errorf("by a script it gets %d from itself", got)
	}
}

// hits counts what reaches an application from anywhere but its own page.
type hits struct{ atomic.Int64 }

func (h *hits) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.Host, "stranger--") {
		h.Add(1)
	}
	w.Header().Set("Content-Type", "text/html")
	_, _ = io.WriteString(w, `<title>stranger</title><link rel="icon" href="data:,"><body>`)
}
