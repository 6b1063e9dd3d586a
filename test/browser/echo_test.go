//go:build host

package browser

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// asked is what everybody meets first.
func asked(t *testing.T, s *site, b *chromium) {
	address := s.URL("default", "echo") + "html"
	p := b.window(t, s.Login)
	p.open(address)
	p.until(`document.title == "causeway echo"`)
	p.open(address)
	p.until(`document.title == "causeway echo"`)
	if got := p.prompts(); got != 1 {
		t.Errorf("the browser asked %d times, want once for a window", got)
	}
	for name, who := range map[string]login{"who presses Cancel": {}, "who has another password": {s.Login.User, "wrong"}} {
		stranger := b.window(t, who)
		stranger.open(address)
		if got := eval[string](stranger, "document.body.innerText"); !strings.Contains(got, `"reason": "Unauthorized"`) || strings.Contains(got, "causeway echo") {
			t.Errorf("one %s sees %s", name, got)
		}
	}
}

func stays(t *testing.T, s *site, b *chromium) {
	prefix := s.URL("default", "echo")
	p := b.window(t, s.Login)
	for _, test := range []struct{ click, path string }{
		{`a[href$="/hello?from=page"]`, "hello?from=page"},
		{`a[href="hello?from=page"]`, "hello?from=page"},
		{`a[href*="/redirect"]`, "html"},
		{`form button`, "form"},
	} {
		p.open(prefix + "html")
		p.do(chromedp.Click(chromedp.CSS(test.click)))
		p.until(`location.href == "` + prefix + test.path + `" && document.readyState == "complete"`)
	}
	if got := eval[string](p, "document.body.innerText"); !strings.Contains(got, `"method": "POST"`) || !strings.Contains(got, "text=hello") {
		t.Errorf("the form arrived as %s", got)
	}
	p.wantNothingWrong()
}

func streams(t *testing.T, s *site, b *chromium) {
	p := b.window(t, s.Login)
	p.open(s.URL("default", "echo") + "html")
	got := eval[string](p, `new Promise((done, fail) => {
		const socket = new WebSocket("ws?a=b%2Fc");
		socket.onopen = () => socket.send("over and back");
		socket.onmessage = message => done(message.data);
		socket.onclose = event => fail("closed: " + event.code);
	})`)
	if got != "over and back" {
		t.Errorf("the WebSocket says %q", got)
	}
	events := eval[int](p, `new Promise((done, fail) => {
		const source = new EventSource("sse?count=0&every=10ms");
		let events = 0;
		source.onmessage = () => { if (++events == 3) { source.close(); done(events); } };
		source.onerror = () => fail("after " + events + " events");
	})`)
	if events != 3 {
		t.Errorf("%d events came", events)
	}
}

// cookies has two applications, which are one server, by two names.
func cookies(t *testing.T, s *site, b *chromium) {
	s.service(t, "other", 8080, "")
	p := b.window(t, s.Login)
	p.open(s.URL("default", "echo") + "cookies/set?mine=1&path=/&domain=127.0.0.1")
	p.open(s.URL("default", "echo") + "cookies/set?deep=1&path=/cookies")
	p.open(s.URL("default", "other") + "cookies/set?theirs=1")
	for application, want := range map[string]string{
		"echo":  `{"deep":"1","mine":"1"}`,
		"other": `{"theirs":"1"}`,
	} {
		p.open(s.URL("default", application) + "cookies")
		if got := eval[string](p, `JSON.stringify(JSON.parse(document.body.innerText))`); got != want {
			t.Errorf("%s is shown the cookies %s, want %s", application, got, want)
		}
	}
}
