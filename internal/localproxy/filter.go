package localproxy

import (
	"fmt"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"strings"
)

// The defaults of kubectl proxy.
const (
	DefaultAcceptHosts   = `^localhost$,^127\.0\.0\.1$,^\[::1\]$`
	DefaultAcceptPaths   = `^.*`
	DefaultRejectPaths   = `^/api/.*/pods/.*/exec,^/api/.*/pods/.*/attach`
	DefaultRejectMethods = `^$`
)

// Filter decides which requests are served. Whoever gets one through acts as
// the user: a web page that the user visits must not, neither by a name that
// it lets point to this machine (DNS rebinding) nor as another site.
type Filter struct {
	AcceptHosts, AcceptPaths, RejectPaths, RejectMethods Patterns

	paths verdicts
}

// Patterns are regular expressions, one of which is to match.
type Patterns []*regexp.Regexp

// ParsePatterns reads comma-separated regular expressions (RE2). Empty text is
// no pattern, which matches nothing.
func ParsePatterns(text string) (Patterns, error) {
	var all Patterns
	if text == "" {
		return nil, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		re, err := regexp.Compile(part)
		if err != nil {
			return nil, fmt.Errorf("%q is not a regular expression: %w", part, err)
		}
		all = append(all, re)
	}
	return all, nil
}

func (p Patterns) match(text string) bool {
	for _, re := range p {
		if re.MatchString(text) {
			return true
		}
	}
	return false
}

// guard refuses what f does not accept, in the words of kubectl.
func (f *Filter) guard(next http.Handler) http.Handler {
	if f == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !f.accepts(r) {
			http.Error(w, http.StatusText(http.StatusForbidden), http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (f *Filter) accepts(r *http.Request) bool {
	if f.RejectMethods.match(r.Method) || !f.acceptsHost(r.Host) || !f.acceptsOrigin(r) {
		return false
	}
	return f.acceptsPaths(r.URL.Path)
}

// acceptsPaths decides on a path, and on what it may be read as: the server may
// take one with doubled slashes or dots for the cleaned one.
func (f *Filter) acceptsPaths(p string) bool {
	if accepted, known := f.paths.get(p); known {
		return accepted
	}
	accepted := f.acceptsPath(p) && f.acceptsPath(path.Clean("/"+p))
	f.paths.put(p, accepted)
	return accepted
}

func (f *Filter) acceptsPath(p string) bool { return !f.RejectPaths.match(p) && f.AcceptPaths.match(p) }

// acceptsHost takes an IPv6 address with its brackets and without, as patterns
// have been written for both.
func (f *Filter) acceptsHost(hostport string) bool {
	u := url.URL{Host: hostport}
	host := u.Hostname()
	return f.AcceptHosts.match(host) || strings.Contains(host, ":") && f.AcceptHosts.match("["+host+"]")
}
