package rewrite_test

import (
	"bytes"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"golang.org/x/net/html"

	"github.com/causeway-access/causeway/internal/rewrite"
)

// ambiguous are elements in which what is a tag depends on the tree, which a
// stream does not have, and those in which the parser that the test compares
// with is not of the standard's mind.
var ambiguous = regexp.MustCompile(`(?i)<(svg|math|select|frameset|noscript|noframes|plaintext|script|template|table|base)`)

// FuzzHTML: the page that comes out is the same tree with other URLs, however
// the page came in; and what has its prefix keeps it.
func FuzzHTML(f *testing.F) {
	for _, tt := range markup {
		f.Add(tt.in)
	}
	f.Fuzz(func(t *testing.T, in string) {
		out := page(t, "", in)
		var bytewise sink
		if err := rules.Copy(&bytewise, iotest.OneByteReader(strings.NewReader(in)), nil); err != nil || bytewise.String() != out {
			t.Errorf("byte by byte %q became %q, %v; at once %q", in, bytewise.String(), err, out)
		}
		if twice := page(t, "", out); twice != out {
			t.Errorf("not stable:\n%q\n%q\n%q", in, out, twice)
		}
		xml := http.Header{"Content-Type": {"application/xhtml+xml"}}
		var xhtml sink
		if err := rules.Copy(&xhtml, strings.NewReader(in), xml); err != nil || crude(xhtml.String()) != crude(in) {
			t.Errorf("as XHTML %q became %q, %v", in, xhtml.String(), err)
		}
		before, err1 := html.Parse(strings.NewReader(in))
		after, err2 := html.Parse(strings.NewReader(out))
		if err1 != nil || err2 != nil {
			return // deeper than that parser goes
		}
		if diff := compare(before, after, !ambiguous.MatchString(in)); diff != "" {
			t.Errorf("%q\n%q\n%s", in, out, diff)
		}
	})
}

// compare returns what differs between two trees that should not; strictly,
// nothing but URLs may, and all of them must.
func compare(a, b *html.Node, strict bool) string {
	same := a.Data == b.Data || !strict && crude(a.Data) == crude(b.Data)
	if a.Type != b.Type || !same || len(a.Attr) != len(b.Attr) {
		return "node " + a.Data + " became " + b.Data
	}
	for i := range a.Attr {
		was, is := a.Attr[i], b.Attr[i]
		if was.Key != is.Key || was.Namespace != is.Namespace {
			return "attribute " + was.Key + " became " + is.Key
		}
		if want := expected(a, was); crude(is.Val) != crude(was.Val) || strict && is.Val != want {
			return "attribute " + was.Key + "=" + was.Val + " of " + a.Data + " became " + is.Val + ", want " + want
		}
	}
	x, y := a.FirstChild, b.FirstChild
	for ; x != nil && y != nil; x, y = x.NextSibling, y.NextSibling {
		if diff := compare(x, y, strict); diff != "" {
			return diff
		}
	}
	if x != y {
		return "children of " + a.Data + " differ"
	}
	return ""
}

// expected returns what an attribute is to become in plain HTML.
func expected(n *html.Node, a html.Attribute) string {
	holds := strings.Fields(ofSpec[n.Data])
	switch {
	case n.Data == "meta" && a.Key == "content":
		for _, other := range n.Attr {
			if other.Key == "http-equiv" && strings.EqualFold(other.Val, "refresh") {
				h := http.Header{"Refresh": {a.Val}}
				rules.Response(h, false)
				return h.Get("Refresh")
			}
		}
		return a.Val
	case n.Data == "use" && a.Key == "xlink:href": // href's older name
	case !slices.Contains(holds, a.Key):
		return a.Val
	case strings.HasSuffix(a.Key, "srcset"):
		return sourceSet(a.Val)
	}
	return rules.URL(a.Val)
}

// sourceSet is the standard's algorithm once more, in other words.
var candidate = regexp.MustCompile(`^([ \t\n\f\r,]*)([^ \t\n\f\r]*[^ \t\n\f\r,])(,+|(?:[^(,]|\([^)]*(?:\)|$))*)`)

func sourceSet(set string) string {
	var out strings.Builder
	for {
		m := candidate.FindStringSubmatch(set)
		if m == nil {
			return out.String() + set
		}
		out.WriteString(m[1] + rules.URL(m[2]) + m[3])
		set = set[len(m[0]):]
	}
}

// crude is a text without anything that a changed URL may have more or less.
func crude(s string) string {
	s = strings.ToLower(html.UnescapeString(s))
	for _, own := range []string{"https://api.example:6443", "http://api.example:6443", "https://10.0.0.1:8080", "http://10.0.0.1:8080", "/p/proxy"} {
		s = strings.ReplaceAll(s, own, "")
	}
	return strings.NewReplacer("/", "", ".", "").Replace(s)
}

// FuzzHeader: what Location and Refresh become leads behind the prefix, and
// stays there.
func FuzzHeader(f *testing.F) {
	for _, tt := range urls {
		f.Add(tt.in)
		f.Add("5; url='" + tt.in + "'")
	}
	f.Fuzz(func(t *testing.T, in string) {
		h := http.Header{"Location": {in}, "Refresh": {in}}
		rules.Response(h, false)
		once := h.Clone()
		if rules.Response(h, false); h.Get("Location") != once.Get("Location") || h.Get("Refresh") != once.Get("Refresh") {
			t.Errorf("%q became %v, and then %v", in, once, h)
		}
		if crude(once.Get("Location")) != crude(in) || crude(once.Get("Refresh")) != crude(in) {
			t.Errorf("%q became %v: more than the beginning changed", in, once)
		}
		got := once.Get("Location")
		if got == in {
			return
		}
		u, err := url.Parse(strings.TrimLeft(got, " "))
		if err != nil {
			return
		}
		if !strings.HasPrefix(u.EscapedPath(), rules.Prefix) || u.Host != "" && u.Host != rules.ClientHost || u.User != nil {
			t.Errorf("%q became %q, which leads away from the prefix", in, got)
		}
	})
}

// FuzzCookie: what a cookie becomes has one path, below the prefix, no domain,
// and all else of it as it was; and only the session's cookie is taken from a
// request.
func FuzzCookie(f *testing.F) {
	for in := range cookies {
		f.Add(in)
	}
	f.Fuzz(func(t *testing.T, in string) {
		h := http.Header{"Set-Cookie": {in}}
		rules.Response(h, false)
		got := h["Set-Cookie"][0]
		if rules.Response(h, false); h["Set-Cookie"][0] != got {
			t.Errorf("%q became %q, and then %q", in, got, h["Set-Cookie"][0])
		}
		was, _, _ := attributesOf(in)
		is, paths, domains := attributesOf(got)
		if len(paths) != 1 || !strings.HasPrefix(paths[0]+"/", rules.Prefix+"/") || domains > 0 || !slices.Equal(was, is) {
			t.Errorf("%q became %q", in, got)
		}

		r := &http.Request{Header: http.Header{"Cookie": {in, "session=secret;" + in}}}
		var want []string
		for _, c := range r.Cookies() {
			if c.Name != "session" {
				want = append(want, c.String())
			}
		}
		rewrite.Request(r.Header, rewrite.Origin{}, "session")
		var left []string
		for _, c := range r.Cookies() {
			left = append(left, c.String())
		}
		if !slices.Equal(left, want) {
			t.Errorf("of cookies %q are left %q, want %q", in, left, want)
		}
	})
}

// attributesOf splits a Set-Cookie line as browsers do.
func attributesOf(line string) (others, paths []string, domains int) {
	for i, part := range strings.Split(line, ";") {
		name, value, _ := strings.Cut(part, "=")
		switch name = strings.ToLower(strings.TrimSpace(name)); {
		case i > 0 && name == "path":
			paths = append(paths, strings.TrimSpace(value))
		case i > 0 && name == "domain":
			domains++
		default:
			others = append(others, part)
		}
	}
	return others, paths, domains
}

// FuzzRequest: whatever a client sends, the backend learns from the gateway
// who asks, and nothing that only the gateway may say from the client.
func FuzzRequest(f *testing.F) {
	f.Add("close, X-Forwarded-For, x-forwarded-host", "X-Remote-User", "root")
	f.Add("Keep-Alive,, te", "impersonate_user", "root")
	f.Add("X_Forwarded_For", "X_Forwarded_For", "1.2.3.4")
	f.Add("User-Agent", "Te", "trailers, deflate")
	f.Fuzz(func(t *testing.T, connection, name, value string) {
		h := http.Header{"Connection": {connection}, http.CanonicalHeaderKey(name): {value}}
		h["X-Forwarded-For"] = append(h["X-Forwarded-For"], "10.1.1.1")
		rewrite.Request(h, rewrite.Origin{Client: "c", Host: "h", Proto: "p", URI: "u", Prefix: "x"}, "")
		for _, want := range [][2]string{{"Host", "h"}, {"Proto", "p"}, {"Uri", "u"}, {"Prefix", "x"}} {
			if got := h["X-Forwarded-"+want[0]]; !slices.Equal(got, []string{want[1]}) {
				t.Errorf("X-Forwarded-%s is %q", want[0], got)
			}
		}
		if got := h["X-Forwarded-For"]; len(got) != 1 || !strings.HasSuffix(got[0], "10.1.1.1, c") {
			t.Errorf("X-Forwarded-For is %q", got)
		}
		for name, values := range h {
			switch cgi := strings.ReplaceAll(strings.ToUpper(name), "-", "_"); {
			case strings.HasPrefix(cgi, "X_REMOTE_"), strings.HasPrefix(cgi, "IMPERSONATE_"),
				strings.HasPrefix(cgi, "X_FORWARDED_") && !strings.HasPrefix(name, "X-Forwarded-"),
				cgi == "CONNECTION", cgi == "UPGRADE", cgi == "TRANSFER_ENCODING", cgi == "PROXY_AUTHORIZATION", cgi == "TE" && values[0] != "trailers":
				t.Errorf("%s: %q passed", name, values)
			}
		}
	})
}

// FuzzCodings: a body that is not in its coding passes intact; one that stops
// being in it, or is cut off, breaks off; and neither spoils the next.
func FuzzCodings(f *testing.F) {
	for i := range len(codingNames) {
		f.Add(uint8(i), "<a href='/x'>text</a>", uint16(0), byte(0))
		f.Add(uint8(i), strings.Repeat("<a href='/x'>text</a>", 300), uint16(30), byte(0x41))
	}
	f.Fuzz(func(t *testing.T, kind uint8, text string, at uint16, flip byte) {
		name := codingNames[int(kind)%len(codingNames)]
		c := name
		whole := c.compress(text)
		header := http.Header{"Content-Encoding": {c.header()}}
		_ = rules.Copy(new(sink), strings.NewReader(text), header) // noise may begin like anything

		spoilt := bytes.Clone(whole)
		place := int(at) % len(spoilt)
		spoilt[place] ^= flip
		var out sink
		if err := rules.Copy(&out, bytes.NewReader(spoilt), header); err == nil && !bytes.Equal(out.Bytes(), spoilt) {
			if _, err := c.decompress(out.Bytes()); err != nil {
				t.Errorf("%s: a body that is not in its coding was completed as one: %v", name, err)
			}
		}
		var cut sink
		if err := rules.Copy(&cut, bytes.NewReader(whole[:place]), header); err == nil && !bytes.Equal(cut.Bytes(), whole[:place]) {
			t.Errorf("%s: a body cut at %d of %d was completed", name, place, len(whole))
		}
		var good sink
		err := rules.Copy(&good, iotest.OneByteReader(bytes.NewReader(whole)), header)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got, err := c.decompress(good.Bytes()); err != nil || got != page(t, "", text) {
			t.Errorf("%s: %q came out as %q, %v", name, text, got, err)
		}
	})
}
