//go:build host

package browser

import (
	"regexp"
	"slices"
	"strings"
)

// prompts is how often the browser asked for user and password.
func (p *tab) prompts() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked
}

// wantNothingWrong looks for answers that are errors, what could not be
// loaded, and uncaught exceptions. What is known is left out, and the icon
// that a browser asks the root of the origin for, where a page names none.
func (p *tab) wantNothingWrong(known ...string) {
	p.t.Helper()
	known = append(known, "/favicon.ico")
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, wrong := range p.broken {
		if !slices.ContainsFunc(known, func(k string) bool { return strings.Contains(wrong, k) }) {
			p.t.Errorf("in the console: %s", wrong)
		}
	}
}

// wantWrong waits for an entry in the browser's console.
func (p *tab) wantWrong(pattern string) {
	p.t.Helper()
	want := regexp.MustCompile(pattern)
	p.eventually("the console has "+pattern, func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return slices.ContainsFunc(p.broken, want.MatchString)
	})
}

// wantRefused looks at the answers that came from these addresses. A WebSocket
// that was tried has none here.
func (p *tab) wantRefused(addresses map[string]string) {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, answer := range p.seen {
		status, url, _ := strings.Cut(answer, " ")
		if status == "WebSocket" {
			continue
		}
		for name, address := range addresses {
			if strings.HasPrefix(url, address) && status != "403" {
				p.t.Errorf("%s answers %s", name, status)
			}
		}
	}
}

// wantNothingOutside looks at where everything came from.
func (p *tab) wantNothingOutside(prefix string) {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, answer := range p.seen {
		if _, url, _ := strings.Cut(answer, " "); !strings.HasPrefix(url, prefix) && !strings.HasPrefix(url, "data:") {
			p.t.Errorf("the page was led to %s, want all below %s", url, prefix)
		}
	}
	if len(p.seen) == 0 {
		p.t.Error("no answer came")
	}
}
