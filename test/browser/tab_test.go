//go:build host

package browser

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// login is a user and a password.
type login struct{ User, Password string }

// tab is a tab of a browser window.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu     sync.Mutex
	asked  int      // how often the browser asked for user and password
	seen   []string // "STATUS URL" of all answers
	broken []string // what a person would find in the browser's console
}

// window opens a tab in a window of its own, with no cookies or credentials of
// others. Where the browser asks for user and password, who is typed; the zero
// login presses Cancel.
func (b *chromium) window(t *testing.T, who login) *tab {
	t.Helper()
	ctx, end := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext())
	t.Cleanup(end)
	return watch(t, ctx, who)
}

// watch begins to note what happens in a tab.
func watch(t *testing.T, ctx context.Context, who login) *tab {
	t.Helper()
	p := &tab{t: t, ctx: ctx}
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("opening a tab: %v", err)
	}
	if err := chromedp.Listen(ctx, func(event any) { p.note(event, who) }); err != nil {
		t.Fatal(err)
	}
	yes := true
	if _, err := chromedp.Call(ctx, fetch.Enable, fetch.EnableParams{HandleAuthRequests: &yes}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			p.describe()
		}
	})
	return p
}

// note must not wait for the browser: it runs between two of its messages.
func (p *tab) note(event any, who login) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := event.(type) {
	case *fetch.EventRequestPaused:
		go chromedp.Call(p.ctx, fetch.ContinueRequest, fetch.ContinueRequestParams{RequestID: e.RequestID})
	case *fetch.EventAuthRequired:
		p.asked++
		answer := &fetch.AuthChallengeResponse{Response: fetch.AuthChallengeResponseResponseCancelAuth}
		if who != (login{}) && p.asked == 1 { // a person whose password is refused gives up
			answer = &fetch.AuthChallengeResponse{Response: fetch.AuthChallengeResponseResponseProvideCredentials, Username: who.User, Password: who.Password}
		}
		go chromedp.Call(p.ctx, fetch.ContinueWithAuth, fetch.ContinueWithAuthParams{RequestID: e.RequestID, AuthChallengeResponse: answer})
	case *network.EventResponseReceived:
		p.seen = append(p.seen, fmt.Sprint(e.Response.Status, " ", e.Response.URL))
		if e.Response.Status >= 400 {
			p.broken = append(p.broken, fmt.Sprint(e.Response.Status, " ", e.Response.URL))
		}
	case *network.EventWebSocketCreated:
		p.seen = append(p.seen, "WebSocket http"+strings.TrimPrefix(e.URL, "ws"))
	case *network.EventLoadingFailed:
		if !e.Canceled {
			p.broken = append(p.broken, fmt.Sprint(e.Type, " ", e.ErrorText))
		}
	case *runtime.EventExceptionThrown:
		text := e.ExceptionDetails.Text + " " + e.ExceptionDetails.URL
		if thrown := e.ExceptionDetails.Exception; thrown != nil {
			text += " " + thrown.Description
		}
		p.broken = append(p.broken, text)
	}
}

// open types an address, and waits until the page is loaded.
func (p *tab) open(address string) {
	p.t.Helper()
	p.do(chromedp.Navigate(address))
}

// do runs steps of a person.
func (p *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.t.Fatalf("in the browser: %v", err)
	}
}

// eval is the value of an expression in the page, or of its promise.
func eval[T any](p *tab, expression string) T {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatalf("%s: %v", expression, err)
	}
	return value
}

// until waits until an expression is true in the page, whichever page is in
// the tab then. An error is that of a page which is being left or not ready.
func (p *tab) until(expression string) {
	p.t.Helper()
	p.eventually(expression, func() bool {
		ctx, cancel := context.WithTimeout(p.ctx, patience)
		defer cancel()
		ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("!!("+expression+")"))
		return ok && err == nil
	})
}

// eventually waits until something holds.
func (p *tab) eventually(what string, holds func() bool) {
	p.t.Helper()
	for late := time.After(patience); !holds(); {
		select {
		case <-late:
			p.t.Fatalf("it did not come true within %v: %s", patience, what)
		case <-time.After(pause):
		}
	}
}

// describe shows what a person would see, for a test that has failed.
func (p *tab) describe() {
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`location.href+"\n"+document.title+"\n"+(document.body ? document.body.innerText.slice(0, 2000) : "")`))
	p.mu.Lock()
	defer p.mu.Unlock()
	p.t.Logf("the tab shows (%v):\n%s\nanswers:\n%s\nwrong:\n%s", err, text, strings.Join(p.seen, "\n"), strings.Join(p.broken, "\n"))
}
