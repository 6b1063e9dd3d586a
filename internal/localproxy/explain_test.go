package localproxy_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/causeway-access/causeway/internal/localproxy"
)

const failure = `{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"services \"<b>web\" not found","reason":"NotFound","code":%d}`

// TestTheAPIsAnswerInThePlaceOfAnApplications is made a page for people alone,
// and only if it is the API's.
func TestTheAPIsAnswerInThePlaceOfAnApplications(t *testing.T) {
	const page, program = "text/html,*/*;q=0.8", "*/*"
	for _, test := range []struct {
		name, accept, kind, body string
		status                   int
		explained                bool
	}{
		{"not found", page, "application/json", failure, 404, true},
		{"forbidden", page, "application/json", failure, 403, true},
		{"nobody ready", page, "application/json; charset=utf-8", failure, 503, true},
		{"credentials refused", page, "application/json", failure, 401, true},
		{"a script asks", program, "application/json", failure, 404, false},
		{"the application's own page", page, "text/html", "<h1>lost</h1>", 404, false},
		{"the application's own JSON", page, "application/json", `{"kind":"Status","status":"lost"}`, 404, false},
		{"more than a status can be", page, "application/json", failure + strings.Repeat(" ", 100<<10), 404, false},
		{"no failure", page, "application/json", failure, 200, false},
	} {
		a := newAPI(t, knowing, func(a *api) {
			a.handle = func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", test.kind)
				w.WriteHeader(test.status)
				fmt.Fprint(w, strings.Replace(test.body, "%d", fmt.Sprint(test.status), 1))
			}
		})
		p := newProxy(t, localproxy.Config{REST: a.config(t), Filter: defaults(t)})
		w := ask(p, http.MethodGet, "web.default.localhost:8001", "/", "Accept", test.accept)
		got := strings.Contains(w.Body.String(), "<p>services &#34;&lt;b&gt;web&#34; not found</p>") ||
			strings.Contains(w.Body.String(), "does not accept your credentials")
		want := strings.Replace(test.body, "%d", fmt.Sprint(test.status), 1)
		if got != test.explained || w.Code != test.status || !test.explained && w.Body.String() != want {
			t.Errorf("%s: %d %.300s", test.name, w.Code, w.Body)
		}
	}
}

// TestABrowserIsNotAskedForTheAPIsPassword, which it would give to the
// application.
func TestABrowserIsNotAskedForTheAPIsPassword(t *testing.T) {
	for body, want := range map[string]string{failure: "", "the application's": `Basic realm="r"`} {
		a := newAPI(t, knowing, func(a *api) {
			a.handle = func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				w.Header().Set("WWW-Authenticate", `Basic realm="r"`)
				w.WriteHeader(http.StatusUnauthorized)
				fmt.Fprint(w, strings.Replace(body, "%d", "401", 1))
			}
		})
		p := newProxy(t, localproxy.Config{REST: a.config(t), Filter: defaults(t)})
		for _, accept := range []string{"text/html", "*/*"} {
			w := ask(p, http.MethodGet, "web.default.localhost:8001", "/", "Accept", accept)
			if got := w.Header().Get("WWW-Authenticate"); got != want || w.Code != http.StatusUnauthorized {
				t.Errorf("%.20s, %s: %d, asked by %q, want %q", body, accept, w.Code, got, want)
			}
		}
	}
}

func TestWhatIsNoNameIsExplained(t *testing.T) {
	a := newAPI(t, knowing)
	p := newProxy(t, localproxy.Config{REST: a.config(t), Filter: defaults(t)})
	for _, host := range []string{"web.localhost:8001", "web.default.svc.localhost:8001", "a..b.localhost:8001", "-.x.localhost:8001"} {
		w := ask(p, http.MethodGet, host, "/", "Accept", "text/html")
		if w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "http://web.default.localhost:8001/") || !strings.Contains(w.Body.String(), `<a href="http://localhost:8001/">`) {
			t.Errorf("%s: %d %s", host, w.Code, w.Body)
		}
		if w := ask(p, http.MethodGet, host, "/"); w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "SERVICE.NAMESPACE.localhost") {
			t.Errorf("%s: %d %s", host, w.Code, w.Body)
		}
	}
	if a.served.Load() != 0 {
		t.Error("the API server was asked")
	}
}

func TestAPIServersThatDoNotAnswerAreNamed(t *testing.T) {
	a := newAPI(t)
	a.kill()
	p := newProxy(t, localproxy.Config{REST: a.config(t), Filter: defaults(t)})
	for _, accept := range []string{"text/html", "*/*"} {
		w := ask(p, http.MethodGet, "web.default.localhost:8001", "/", "Accept", accept)
		if w.Code != http.StatusBadGateway || !strings.Contains(w.Body.String(), a.URL) || strings.Contains(w.Body.String(), "<h1>") != (accept == "text/html") {
			t.Errorf("%s: %d %s", accept, w.Code, w.Body)
		}
	}
}
