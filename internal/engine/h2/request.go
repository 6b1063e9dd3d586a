package h2

import (
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// request makes the request of a block. An error means that it is malformed
// (RFC 9113, section 8.1.1).
func (c *conn) request(b *block, st *stream) error {
	if b.fault != nil {
		return b.fault
	}
	if err := c.checkPseudo(b); err != nil {
		return err
	}
	h, err := c.header(b)
	if err != nil {
		return err
	}
	r := http.Request{
		Method: b.pseudo[method], Proto: "HTTP/2.0", ProtoMajor: 2, Header: h,
		Host: b.pseudo[authority], RemoteAddr: c.remote, Body: http.NoBody,
	}
	if b.pseudo[scheme] == "https" {
		r.TLS = c.tls
	}
	if r.Host, err = host(r.Host, h); err != nil {
		return err
	}
	if err := st.locate(&r, b); err != nil {
		return err
	}
	if err := st.expect(&r, b.end); err != nil {
		return err
	}
	st.ctx.parent = c.ctx
	st.req = *r.WithContext(&st.ctx)
	st.handler = c.srv.handler(b, &st.req)
	return nil
}

// checkPseudo says what is wrong with the pseudo-header fields.
func (c *conn) checkPseudo(b *block) error {
	p := &b.pseudo
	switch {
	case b.has[protocol] && (!c.srv.cfg.ExtendedConnect || p[protocol] == ""):
		return errors.New(":protocol was not asked for")
	case p[method] == http.MethodConnect && !b.has[protocol]:
		if b.has[path] || b.has[scheme] || p[authority] == "" {
			return errors.New("CONNECT has :authority alone")
		}
	case !validMethod(p[method]), p[scheme] != "https" && p[scheme] != "http", p[path] == "":
		return errors.New(":method, :scheme or :path is missing or none")
	}
	// Neither may have a user, nor what is no part of a host (RFC 9113, section
	// 8.3.1).
	if strings.IndexByte(p[authority], '@') >= 0 || !httpguts.ValidHostHeader(p[authority]) {
		return errors.New(":authority is no host")
	}
	return nil
}

func validMethod(name string) bool {
	return httpguts.ValidHeaderFieldName(name) // both are tokens
}

// header makes a map of the fields. The slices of its values are of one piece.
func (c *conn) header(b *block) (http.Header, error) {
	h := make(http.Header, len(b.fields)+1)
	values := make([]string, len(b.fields))
	for i, f := range b.fields {
		name := c.names.canonical(f.Name)
		if before, ok := h[name]; ok {
			h[name] = append(before, f.Value)
			continue
		}
		values[i] = f.Value
		h[name] = values[i : i+1 : i+1]
	}
	if cookies := h["Cookie"]; len(cookies) > 1 { // RFC 9113, section 8.2.3
		h["Cookie"] = []string{strings.Join(cookies, "; ")}
	}
	if lengths := h["Content-Length"]; len(lengths) > 1 {
		for _, l := range lengths[1:] {
			if l != lengths[0] {
				return nil, errors.New("two lengths")
			}
		}
		h["Content-Length"] = lengths[:1]
	}
	if b.has[protocol] {
		h[":protocol"] = []string{b.pseudo[protocol]}
	}
	return h, nil
}

// host returns the host that is asked for, which is no field of the header,
// as everywhere in net/http. Two that differ are the beginning of a confusion
// (RFC 9113, section 8.3.1).
func host(authority string, h http.Header) (string, error) {
	given, ok := h["Host"]
	if !ok {
		return authority, nil
	}
	delete(h, "Host")
	if len(given) > 1 || authority != "" && !strings.EqualFold(authority, given[0]) || !httpguts.ValidHostHeader(given[0]) {
		return "", errors.New("Host is no host, or another than :authority")
	}
	if authority == "" {
		return given[0], nil
	}
	return authority, nil
}

// locate sets the request's URL.
func (st *stream) locate(r *http.Request, b *block) error {
	if r.Method == http.MethodConnect && !b.has[protocol] {
		st.url.Host = r.Host
		r.URL, r.RequestURI = &st.url, r.Host
		return nil
	}
	p := b.pseudo[path]
	if p[0] != '/' && p != "*" {
		return errors.New(":path is neither a path nor *")
	}
	u, err := url.ParseRequestURI(p)
	if err != nil {
		return fmt.Errorf("parsing :path: %w", err)
	}
	r.URL, r.RequestURI = u, p
	return nil
}

// expect prepares for the request's body and trailer.
func (st *stream) expect(r *http.Request, end bool) error {
	st.declared = -1
	if given, ok := r.Header["Content-Length"]; ok {
		n, err := strconv.ParseUint(given[0], 10, 63)
		if err != nil {
			return errors.New("Content-Length is no length")
		}
		st.declared = int64(n)
	}
	if names, ok := r.Header["Trailer"]; ok {
		r.Trailer = announced(names)
		delete(r.Header, "Trailer")
	}
	if httpguts.HeaderValuesContainsToken(r.Header["Expect"], "100-continue") {
		delete(r.Header, "Expect")
		st.body.asks = !end
	}
	if end {
		if st.declared > 0 {
			return errors.New("Content-Length is that of a body, and there is none")
		}
		return nil
	}
	r.ContentLength = st.declared
	st.body.init(st)
	r.Body = &st.body
	return nil
}

// announced returns the trailer that a request says it will have.
func announced(names []string) http.Header {
	var trailer http.Header
	for _, list := range names {
		for name := range strings.SplitSeq(list, ",") {
			switch name = http.CanonicalHeaderKey(textproto.TrimString(name)); name {
			case "", "Transfer-Encoding", "Trailer", "Content-Length":
			default:
				if trailer == nil {
					trailer = http.Header{}
				}
				trailer[name] = nil
			}
		}
	}
	return trailer
}

// handler returns the handler for a request: the server's, unless the request
// is one that no handler is to see.
func (s *Server) handler(b *block, r *http.Request) http.Handler {
	switch {
	case b.truncated:
		return refusal(http.StatusRequestHeaderFieldsTooLarge, "<h1>HTTP Error 431</h1><p>Request Header Field(s) Too Large</p>")
	case r.RequestURI == "*" && r.Method == http.MethodOptions:
		return http.HandlerFunc(options)
	}
	for _, name := range [...]string{"Connection", "Proxy-Connection", "Keep-Alive", "Transfer-Encoding", "Upgrade"} {
		if _, ok := r.Header[name]; ok {
			return refusal(http.StatusBadRequest, fmt.Sprintf("request header %q is not valid in HTTP/2\n", name))
		}
	}
	if te := r.Header["Te"]; len(te) > 1 || len(te) == 1 && te[0] != "" && te[0] != "trailers" {
		return refusal(http.StatusBadRequest, "request header \"TE\" may only be \"trailers\" in HTTP/2\n")
	}
	return s.cfg.Handler
}

// refusal answers a request that the client should not have made.
func refusal(status int, text string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if !strings.HasPrefix(text, "<") {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			w.Header().Set("X-Content-Type-Options", "nosniff")
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(text))
	})
}

// options answers OPTIONS * as net/http does.
func options(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Length", "0")
	if r.ContentLength != 0 {
		// What is sent without need is not read for long.
		_, _ = http.MaxBytesReader(w, r.Body, 4<<10).Read(make([]byte, 4<<10))
	}
}
