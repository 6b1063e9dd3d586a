package rewrite

import "strings"

// Rules say where URLs of the backend's pages lead from the client's side.
type Rules struct {
	// Prefix is put before paths: the external prefix, without a slash at its end.
	Prefix string
	// ClientHost is the host that the client asked for, BackendHost the
	// endpoint's address: an absolute URL to either is the application's own.
	ClientHost, BackendHost string
	// ClientProto is the scheme of the client's own URLs.
	ClientProto string
}

// URL rewrites one reference. Paths get the prefix; absolute URLs to the
// application's own host become such on the client's host with the prefix.
// What is relative, foreign, prefixed already or not to be understood is
// returned unchanged.
func (r *Rules) URL(ref string) string {
	if strings.HasPrefix(ref, "/") {
		if strings.HasPrefix(ref, "//") || strings.HasPrefix(ref, `/\`) {
			return ref // protocol-relative: another host
		}
		return r.path(ref)
	}
	scheme, rest, ok := strings.Cut(ref, "://")
	if !ok || !strings.EqualFold(scheme, "http") && !strings.EqualFold(scheme, "https") {
		return ref
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	host, path := rest[:end], rest[end:]
	if !sameHost(host, scheme, r.ClientHost) && !sameHost(host, scheme, r.BackendHost) {
		return ref
	}
	if r.prefixed(path) && sameHost(host, scheme, r.ClientHost) {
		return ref
	}
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	return r.ClientProto + "://" + r.ClientHost + r.path(path)
}

// path puts the prefix before an absolute path that does not have it.
func (r *Rules) path(path string) string {
	if r.prefixed(path) {
		return path
	}
	return r.Prefix + path
}

// prefixed reports whether a path is at or below the prefix.
func (r *Rules) prefixed(path string) bool {
	rest, ok := strings.CutPrefix(path, r.Prefix)
	return ok && (rest == "" || strings.IndexByte("/?#", rest[0]) >= 0)
}

// sameHost compares the host of a URL with one of ours. A port that is the
// scheme's own may be missing on either side.
func sameHost(host, scheme, ours string) bool {
	if strings.EqualFold(host, ours) {
		return true
	}
	port := ":80"
	if strings.EqualFold(scheme, "https") {
		port = ":443"
	}
	return host != "" && (strings.EqualFold(host+port, ours) || strings.EqualFold(host, ours+port))
}

// refresh rewrites the URL of a Refresh header or its meta element:
// "5; url=/next", with or without quotes.
func (r *Rules) refresh(value string) string {
	i := strings.IndexAny(value, ";,")
	if i < 0 {
		return value
	}
	start := i + 1
	for start < len(value) && value[start] == ' ' {
		start++
	}
	if len(value)-start >= 3 && strings.EqualFold(value[start:start+3], "url") {
		eq := start + 3
		for eq < len(value) && value[eq] == ' ' {
			eq++
		}
		if eq < len(value) && value[eq] == '=' {
			start = eq + 1
			for start < len(value) && value[start] == ' ' {
				start++
			}
		}
	}
	end := len(value)
	if start < end && (value[start] == '\'' || value[start] == '"') {
		if closing := strings.IndexByte(value[start+1:], value[start]); closing >= 0 {
			end = start + 1 + closing
		}
		start++
	}
	return value[:start] + r.URL(value[start:end]) + value[end:]
}
