package rewrite_test

import (
	"net/http"
	"strings"
	"testing"
)

// markup are the rows of section 3 for HTML. Where want is "-", nothing may
// change.
var markup = []struct{ name, in, want string }{
	{"untouched tags are byte-identical", "<!DOCTYPE html><A HREF = 'rel' >\r\n&nbsp;\x00<br/><p title='/x'></A >", "-"},
	{"the rest of a tag with a URL, too", "<A class=q  HREF=\"/x\"\n id=1 /b / c>", "<A class=q  HREF=\"/p/proxy/x\"\n id=1 /b / c>"},
	{"the rest of the URL, too", `<a href="/x?a=1&amp;b&copy=2&#38;">`, `<a href="/p/proxy/x?a=1&amp;b&copy=2&#38;">`},
	{"absolute to the endpoint", `<a href="http://10.0.0.1:8080/x?a&b">`, `<a href="https://api.example:6443/p/proxy/x?a&b">`},
	{"in single quotes", `<a href='/x'>`, `<a href='/p/proxy/x'>`},
	{"unquoted", `<a href=/x>`, `<a href=/p/proxy/x>`},
	{"unquoted, ending in a slash", `<a href=/x/>`, `<a href=/p/proxy/x/>`},
	{"unquoted, behind space", "<a href\n=\t/x id>", "<a href\n=\t/p/proxy/x id>"},
	{"in entities, as templates write them", `<a href="&#x2F;x&#x3D;">`, `<a href="/p/proxy&#x2F;x&#x3D;">`},
	{"in entities by name", `<a href='http&colon;&sol;&sol;10.0.0.1&colon;8080&sol;x&quot;'>`, `<a href='https://api.example:6443/p/proxy&sol;x&quot;'>`},
	{"in entities without their semicolons", `<a href="&#47x">`, `<a href="/p/proxy&#47x">`},
	{"in entities, prefixed", `<a href="&#x2F;p&#x2F;proxy&#x2F;x">`, "-"},
	{"in entities, protocol-relative", `<a href="&#x2F;&sol;h">`, "-"},
	{"not in entities", `<a href="&#;/x"><a href="&/x"><a href="&nosuch;/x"><a href="&semi;/x">`, "-"},
	{"with space around it", "<form action=\" /x\n\">", "<form action=\" /p/proxy/x\n\">"},
	{"case of names", `<IMG SRC=/x SrcSet='/x'>`, `<IMG SRC=/p/proxy/x SrcSet='/p/proxy/x'>`},
	{"of duplicate attributes the first", `<a href="/x" HREF="/y"><a href="z" href=/y><a href href=/y>`, `<a href="/p/proxy/x" HREF="/y"><a href="z" href=/y><a href href=/y>`},
	{"another element's attribute", `<a src="/x"><div href="/x"><abbr href=/x>`, "-"},
	{"an attribute that is only like it", `<a data-href="/x" hreflang="/x" a:href="/x" =href="/x">`, "-"},
	{"an attribute without a value", `<a href><a href=><a href= >`, "-"},
	{"a name behind a quote", `<a x="y"href="/x">`, `<a x="y"href="/p/proxy/x">`},
	{"a name behind a slash", `<a/href=/x>`, `<a/href=/p/proxy/x>`},
	{"a value with > in it", `<a title=">" href="/x">`, `<a title=">" href="/p/proxy/x">`},
	{"end tags", `</a href='/x'></a title=">" href="/x">`, "-"},
	{"tags that do not end", `<a href="/x`, "-"},
	{"no tags", `< a href="/x"> <1 href="/x"> a<b </ a href="/x">`, "-"},

	{"comments", `<!-- <a href="/x"> --><!--><a href=/x><!---><a href=/x>-->`, `<!-- <a href="/x"> --><!--><a href=/p/proxy/x><!---><a href=/p/proxy/x>-->`},
	{"comments with dashes", `<!----!><a href=/x><!-- - -- --!- <a href=/y> ---><!-- -><a href=/z>`, `<!----!><a href=/p/proxy/x><!-- - -- --!- <a href=/y> ---><!-- -><a href=/z>`},
	{"bogus comments", `<!a <a href="/x"><?p <a href="/x"></?p <a href="/x"><!-<a href="/x">`, "-"},
	{"conditional comments", `<!--[if IE]><a href="/x"><![endif]--><![if !IE]><a href="/x">`, `<!--[if IE]><a href="/x"><![endif]--><![if !IE]><a href="/p/proxy/x">`},
	{"scripts", `<script src="/x">var a = "<a href='/x'>" </scripts></script ><a href=/y>`, `<script src="/p/proxy/x">var a = "<a href='/x'>" </scripts></script ><a href=/p/proxy/y>`},
	{"scripts in comments in scripts", `<script><!-- <script> </script><a href=/x> --></script><a href=/y>`, `<script><!-- <script> </script><a href=/x> --></script><a href=/p/proxy/y>`},
	{"comments in scripts", `<script><!-- < <scripts> </script><a href=/x>`, `<script><!-- < <scripts> </script><a href=/p/proxy/x>`},
	{"comments in scripts that end", `<script><!--><script></script><a href=/x>`, `<script><!--><script></script><a href=/p/proxy/x>`},
	{"styles", `<style>a::after{content:"<a href=/x>"}</style>`, "-"},
	{"textareas", `<textarea><a href=/x></textareas><a href=/x></TextArea/>`, "-"},
	{"titles", `<title><a href=/x></title><a href=/y>`, `<title><a href=/x></title><a href=/p/proxy/y>`},
	{"other raw text", `<xmp><a href=/x></xmp><iframe src=/f><a href=/x></iframe><noembed><a href=/x></noembed><noframes><a href=/x></noframes><noscript><a href=/x></noscript>`,
		`<xmp><a href=/x></xmp><iframe src=/p/proxy/f><a href=/x></iframe><noembed><a href=/x></noembed><noframes><a href=/x></noframes><noscript><a href=/x></noscript>`},
	{"plaintext", `<plaintext><a href=/x></plaintext><a href=/x>`, "-"},
	{"raw text cannot be closed by its start tag", `<script/><a href=/x>`, "-"},
	{"CDATA in SVG", `<svg><![CDATA[><a href="/x">]]]><a href="/y"></svg>`, `<svg><![CDATA[><a href="/x">]]]><a href="/p/proxy/y"></svg>`},
	{"CDATA in HTML is a bogus comment", `<![CDATA[ ><a href="/x">]]>`, `<![CDATA[ ><a href="/p/proxy/x">]]>`},
	{"CDATA behind SVG", `<svg><math/><svg></svg></svg><![CDATA[><a href="/x">`, `<svg><math/><svg></svg></svg><![CDATA[><a href="/p/proxy/x">`},
	{"SVG's elements can be closed", `<svg><script href="x"/><title/><a href="/x"/></svg>`, `<svg><script href="x"/><title/><a href="/p/proxy/x"/></svg>`},
	{"templates", `<template><a href="/x"></template>`, `<template><a href="/p/proxy/x"></template>`},
	{"SVG's older href", `<svg><use xlink:href="/b#c"/></svg>`, `<svg><use xlink:href="/p/proxy/b#c"/></svg>`},
	{"image is read as img", `<image src=/x>`, `<image src=/p/proxy/x>`},

	{"srcset", `<img srcset="/a 1x, b 2x,/c,d 3x">`, `<img srcset="/p/proxy/a 1x, b 2x,/p/proxy/c,d 3x">`},
	{"srcset with space and commas", "<img srcset=' ,\n/a\t1x , , /b,, /c'>", "<img srcset=' ,\n/p/proxy/a\t1x , , /p/proxy/b,, /p/proxy/c'>"},
	{"srcset with parentheses", `<img srcset="/a f(1, /b 2), /c">`, `<img srcset="/p/proxy/a f(1, /b 2), /p/proxy/c">`},
	{"srcset with data", `<img srcset="data:,/x 1x, /y 2x">`, `<img srcset="data:,/x 1x, /p/proxy/y 2x">`},
	{"srcset with entities", `<img srcset="/a?b&amp;c 1x,&#32;http:&#47;&#47;10.0.0.1:8080&#47;d&amp; 2x">`, `<img srcset="/p/proxy/a?b&amp;c 1x,&#32;https://api.example:6443/p/proxy&#47;d&amp; 2x">`},
	{"srcset with nothing to change", `<img srcset="a 1x, //h/b 2x"><img srcset=",, "><img srcset>`, "-"},
	{"imagesrcset", `<link imagesrcset="/a 1x, /b 2x" href=/c />`, `<link imagesrcset="/p/proxy/a 1x, /p/proxy/b 2x" href=/p/proxy/c />`},
	{"meta refresh", `<meta http-equiv=Refresh content="0; url=/x">`, `<meta http-equiv=Refresh content="0; url=/p/proxy/x">`},
	{"meta refresh, its content first", `<META CONTENT='0; URL="/x"' HTTP-EQUIV='REFRESH'>`, `<META CONTENT='0; URL="/p/proxy/x"' HTTP-EQUIV='REFRESH'>`},
	{"meta refresh with entities", `<meta http-equiv="&#114;efresh" content="0;url=&apos;/x&apos;">`, `<meta http-equiv="&#114;efresh" content="0;url=&apos;/p/proxy/x&apos;">`},
	{"other metas", `<meta name=refresh content="0; url=/x"><meta http-equiv=link content="0; url=/x"><meta content="0;/x">`, "-"},
	{"base href", `<base href="/"><a href="/x"><base href="/y/">`, `<base href="/p/proxy/"><a href="/p/proxy/x"><base href="/p/proxy/y/">`},
	{"base href to the endpoint", `<base href="http://10.0.0.1:8080/y/"><a href="/x">`, `<base href="https://api.example:6443/p/proxy/y/"><a href="/p/proxy/x">`},
	{"base href to a foreign host takes paths along", `<base href="https://example.com/y/"><a href="/x"><img srcset="/x"><a href="http://10.0.0.1:8080/x">`,
		`<base href="https://example.com/y/"><a href="/x"><img srcset="/x"><a href="https://api.example:6443/p/proxy/x">`},
	{"base href, protocol-relative", `<base href=" //example.com"><a href="/x">`, "-"},
	{"base href, protocol-relative to ourselves", `<base href="//api.example:6443"><a href="/x">`, `<base href="//api.example:6443"><a href="/p/proxy/x">`},
	{"of several bases the first", `<base href="rel/"><base href="//example.com"><a href="/x">`, `<base href="rel/"><base href="//example.com"><a href="/p/proxy/x">`},
	{"already prefixed", `<a href="/p/proxy/x">`, "-"},
	{"foreign, relative and others", `<a href=https://example.com/?u=/x><a href='//h/x'><a href="x"><a href="#/x"><a href="javascript:a('/x')">`, "-"},
	{"nothing", "", "-"},
	{"only text", "a & b", "-"},
	{"UTF-16", "<\x00a\x00 \x00h\x00r\x00e\x00f\x00=\x00/\x00x\x00>\x00", "-"},
}

func TestPages(t *testing.T) {
	for _, tt := range markup {
		if tt.want == "-" {
			tt.want = tt.in
		}
		if got := page(t, "", tt.in); got != tt.want {
			t.Errorf("%s: %s\n got %s\nwant %s", tt.name, tt.in, got, tt.want)
		}
	}
}

// ofSpec are the attributes of the specification, by element.
var ofSpec = map[string]string{
	"a": "href", "area": "href", "audio": "src", "base": "href", "blockquote": "cite", "del": "cite", "ins": "cite", "q": "cite", "body": "background",
	"button": "formaction", "embed": "src", "form": "action", "frame": "src longdesc", "iframe": "src longdesc", "head": "profile", "html": "manifest",
	"img": "src srcset longdesc usemap", "input": "src formaction usemap", "link": "href imagesrcset", "object": "data classid codebase usemap",
	"script": "src", "source": "src srcset", "track": "src", "video": "src poster", "use": "href", "applet": "codebase", "command": "icon",
}

func TestEveryAttributeOfTheSpec(t *testing.T) {
	for tag, names := range ofSpec {
		for name := range strings.FieldsSeq(names) {
			for _, quote := range []string{`"`, `'`, ""} {
				for _, tt := range urls {
					if quote == "" && strings.ContainsAny(tt.in, " \t>") || strings.HasSuffix(name, "srcset") && strings.ContainsAny(tt.in, " \t,") || quote != "" && strings.Contains(tt.in, quote) {
						continue // would be another value, or two
					}
					open, end := "<"+tag+" "+name+"="+quote, quote+">"
					if got, want := page(t, "", open+tt.in+end), open+tt.want+end; got != want {
						t.Errorf("%s: %s became %s, want %s", tt.name, open+tt.in+end, got, want)
					}
				}
			}
		}
	}
}

// What leads behind the prefix is quoted where the client has chosen it.
func TestHostsAreEscaped(t *testing.T) {
	r := *rules
	r.ClientHost = `h'"&<>`
	var out sink
	in := `<a href="http://10.0.0.1:8080/x">`
	want := `<a href="https://h&#39;&#34;&amp;&lt;&gt;/p/proxy/x">`
	if err := r.Copy(&out, strings.NewReader(in), nil); err != nil || out.String() != want {
		t.Errorf("%s became %s, %v", in, out.String(), err)
	}
}

// application/xhtml+xml knows no raw text, but CDATA everywhere.
func TestXHTML(t *testing.T) {
	for in, want := range map[string]string{
		`<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><head><script src="/x"/><title/><link href="/y"/></head></html>`: `<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><head><script src="/p/proxy/x"/><title/><link href="/p/proxy/y"/></head></html>`,
		`<script><![CDATA[ "<a href='/x'>" ]]></script><a href='/y'/>`:                                                                    `<script><![CDATA[ "<a href='/x'>" ]]></script><a href='/p/proxy/y'/>`,
		`<p><![CDATA[<a href="/x">]]></p><![CDATB[><a href="/y"/>`:                                                                        `<p><![CDATA[<a href="/x">]]></p><![CDATB[><a href="/p/proxy/y"/>`,
	} {
		var out sink
		if err := rules.Copy(&out, strings.NewReader(in), http.Header{"Content-Type": {"Application/XHTML+xml; charset=utf-8"}}); err != nil || out.String() != want {
			t.Errorf("%s\n got %s, %v\nwant %s", in, out.String(), err, want)
		}
	}
}
