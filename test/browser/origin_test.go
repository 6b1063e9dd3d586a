//go:build host

package browser

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/causeway-access/causeway/test/inside"
)

// secrets is a path that the administrator may read and pages may not.
const secrets = "/api/v1/namespaces/kube-system/secrets"

// scripts are those of an application that its user has no reason to trust.
// They have the API's origin and, by the browser, the user's password.
func scripts(t *testing.T, s *site, b *chromium) {
	p := b.window(t, s.Login)
	p.open(s.Info.URL + secrets)
	if got := eval[string](p, "document.body.innerText"); !strings.Contains(got, `"kind": "SecretList"`) {
		t.Fatalf("the administrator himself sees %s", got)
	}
	p.open(s.URL("default", "echo") + "html")
	for name, script := range map[string]string{
		"fetch":          `fetch("` + secrets + `").then(r => r.text())`,
		"fetch, cookies": `fetch("` + secrets + `", {credentials: "include", cache: "no-store"}).then(r => r.text())`,
		"fetch, opaque":  `fetch("` + secrets + `", {mode: "no-cors"}).then(r => r.text())`,
		"XMLHttpRequest": `new Promise(done => {
			const x = new XMLHttpRequest();
			x.open("GET", "` + secrets + `");
			x.onloadend = () => done(x.responseText);
			x.send();
		})`,
		"a frame": `new Promise(done => {
			const f = document.createElement("iframe");
			f.onload = () => done(f.contentDocument ? f.contentDocument.body.innerText : "closed to the page: Forbidden");
			f.src = "` + secrets + `";
			document.body.append(f);
		})`,
		"an object": `new Promise(done => {
			const o = document.createElement("object");
			o.onload = () => done(o.contentDocument ? o.contentDocument.body.innerText : "closed to the page: Forbidden");
			o.onerror = () => done("error: Forbidden");
			// Chromium does not always say that it shows nothing.
			setTimeout(() => done(o.contentDocument?.documentElement?.innerText || "closed to the page: Forbidden"), 10000);
			o.data = "` + secrets + `";
			document.body.append(o);
		})`,
		"a window": `new Promise(done => {
			const w = open("` + secrets + `");
			const look = () => {
				let text;
				try {
					text = w.closed ? "closed to the page: Forbidden" : w.location.href == "about:blank" ? "" : w.document.body.innerText;
				} catch (e) {
					text = e.name + ": Forbidden";
				}
				text ? done(text) : setTimeout(look, 20);
			};
			look();
		})`,
		"a change": `fetch("/api/v1/namespaces", {method: "POST", headers: {"Content-Type": "application/json"},
			body: '{"metadata":{"name":"by-script"}}'}).then(r => r.text())`,
	} {
		t.Run(name, func(t *testing.T) {
			got := eval[string](p, script)
			if !strings.Contains(got, "Forbidden") || strings.Contains(got, "SecretList") || strings.Contains(got, "by-script") {
				t.Errorf("the page of an application gets %.300s", got)
			}
		})
	}
	// A script that was given a token acts for whoever gave it.
	if got := eval[int](p, `fetch("`+secrets+`", {headers: {Authorization: "Bearer `+s.token(t)+`"}}).then(r => r.status)`); got != 200 {
		t.Errorf("a script that has a token gets status %d", got)
	}
}

// absolute is why a page's scripts fail behind a prefix that nobody told them.
func absolute(t *testing.T, s *site, b *chromium) {
	p := b.window(t, s.Login)
	p.open(s.URL("default", "echo") + "html")
	for script, want := range map[string]int{
		`fetch("hello").then(r => r.status)`:                                                                             200, // relative: the application's
		`fetch("/hello").then(r => r.status)`:                                                                            403, // the API's, which a script may not ask
		`fetch(new URL(document.querySelector("a").href).pathname).then(r => r.status)`:                                  200, // from what was rewritten
		`new Promise(done => { const i = new Image(); i.onerror = () => done(0); i.src = "/p.png" })`:                    0,
		`new Promise(done => { const w = new WebSocket("/ws"); w.onopen = () => done(101); w.onclose = () => done(0) })`: 0,
	} {
		if got := eval[int](p, script); got != want {
			t.Errorf("%s gives %d, want %d", script, got, want)
		}
	}
}

// workers has an application which would like to see the requests of all.
func workers(t *testing.T, s *site, b *chromium) {
	s.serveHere(t, "worker", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/worker.js":
			w.Header().Set("Content-Type", "text/javascript")
			w.Header().Set("Service-Worker-Allowed", "/")
			_, _ = io.WriteString(w, `self.addEventListener("fetch", e => e.respondWith(new Response("by the worker")))`)
		default:
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, "<title>worker</title>")
		}
	}))
	p := b.window(t, s.Login)
	p.open(s.URL("default", "worker"))
	const register = `navigator.serviceWorker.register(%s).then(r => new URL(r.scope).pathname, e => e.name)`
	for arguments, want := range map[string]string{
		`"worker.js"`:               "/api/v1/namespaces/default/services/worker/proxy/",
		`"/worker.js"`:              "TypeError",
		`"worker.js", {scope: "/"}`: "SecurityError",
	} {
		if got := eval[string](p, strings.Replace(register, "%s", arguments, 1)); got != want {
			t.Errorf("register(%s) gives %s, want %s", arguments, got, want)
		}
	}
}

// neighbours is what one origin for all means: a browser tells no application
// from another. Who may use both gives each the use of the other.
func neighbours(t *testing.T, s *site, b *chromium) {
	p := b.window(t, s.Login)
	p.open(s.URL("default", "echo") + "html")
	if got := eval[int](p, `fetch("/api/v1/namespaces/kube-system/services/monitoring-influxdb/proxy/ping").then(r => r.status)`); got != 204 {
		t.Errorf("a page of one application gets %d from another; document that it does", got)
	}
}

// serveHere has a server in this process as a service.
func (s *site) serveHere(t *testing.T, name string, handler http.Handler) {
	t.Helper()
	l, err := net.Listen("tcp", inside.Address+":0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: handler}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(l) // until Close
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-served
	})
	s.service(t, name, l.Addr().(*net.TCPAddr).Port, "")
}
