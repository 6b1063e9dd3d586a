//go:build host

package browser

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

func prometheus(t *testing.T, s *site, b *chromium) {
	prefix := s.URL("kube-system", "monitoring-prometheus")
	p := b.window(t, s.Login)
	p.open(prefix)
	p.until(`document.title.startsWith("Prometheus") && document.querySelector("textarea[name=expr]")`)
	// Escape closes the list of proposals.
	p.do(chromedp.SendKeys(chromedp.CSS("textarea[name=expr]"), "up"+kb.Escape+kb.Enter))
	p.until(`/^up\{.*job="prometheus".*\}\s*1$/m.test(document.querySelector("#graph_container").innerText)`)
	p.open(prefix + "classic/graph?g0.expr=up&g0.tab=0")
	p.until(`document.querySelector("svg path")`)

	p.open(prefix + "classic/targets")
	p.until(`document.querySelector(".targets, .table") && /\bUP\b/i.test(document.body.innerText) && location.pathname.endsWith("/classic/targets")`)
	p.wantNothingOutside(prefix)
	// Debian's copy of one script is a module, and the pages load it as none;
	// then what is made of it on some of them is missing.
	p.wantNothingWrong("popper.min.js", "require Popper")
}

// influxDB has no page of its own, so that somebody's page asks it.
func influxDB(t *testing.T, s *site, b *chromium) {
	p := b.window(t, s.Login)
	p.open(s.URL("kube-system", "monitoring-influxdb") + "query?q=SHOW+DATABASES")
	if got := eval[string](p, "document.body.innerText"); !strings.Contains(got, `"name":"databases"`) {
		t.Errorf("the databases are %s", got)
	}
	got := eval[string](p, `(async () => {
		const post = (path, body) => fetch(path, {method: "POST", headers: {"Content-Type": "application/x-www-form-urlencoded"}, body});
		const created = await post("query", "q=CREATE+DATABASE+seen");
		const written = await post("write?db=seen", "load,host=a value=0.5 1700000000000000000");
		const read = await (await fetch("query?db=seen&q=" + encodeURIComponent('SELECT value FROM "load"'))).json();
		const ping = await fetch("ping");
		const variables = await (await fetch("debug/vars")).json();
		return [created.status, written.status, ping.status, ping.headers.get("X-Influxdb-Version").length > 0,
			JSON.stringify(read.results[0].series[0].values), "memstats" in variables].join(" ");
	})()`)
	if want := `200 204 204 true [["2023-11-14T22:13:20Z",0.5]] true`; got != want {
		t.Errorf("InfluxDB says %s, want %s", got, want)
	}
	p.wantNothingWrong()
}
