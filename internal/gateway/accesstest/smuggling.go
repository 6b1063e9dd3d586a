package accesstest

import (
	"strings"
	"testing"
)

// smuggling are requests on whose end, or meaning, two servers may disagree
// (RFC 9112, section 11.2). They are to be refused, or passed on such that
// there is one reading left.
func smuggling(t *testing.T, start Engine) {
	w := newWorld(t, start, nil)
	for _, cases := range [][]exchange{twoFramings(), malformed(), disguised(), misdirected()} {
		for _, e := range cases {
			t.Run(e.name, func(t *testing.T) { w.exchange(t, e) })
		}
	}
}

// lacking fails if the script got a head that has one of the words.
func lacking(words ...string) func(*testing.T, []string) {
	return func(t *testing.T, heads []string) {
		for _, h := range heads {
			for _, word := range words {
				if strings.Contains(strings.ToLower(h), strings.ToLower(word)) {
					t.Errorf("the backend got %q in %q", word, h)
				}
			}
		}
	}
}

// atMost fails if the script got more requests.
func atMost(n int) func(*testing.T, []string) {
	return func(t *testing.T, heads []string) {
		if len(heads) > n {
			t.Errorf("the backend got %d requests: %q", len(heads), heads)
		}
	}
}

// twoFramings are bodies whose length is said twice or wrongly.
func twoFramings() []exchange {
	post := func(body string, lines ...string) []string {
		return []string{last("POST", web+"/echo", lines...) + body}
	}
	refused := []int{400, 501, 0}
	const chunk, length = "Transfer-Encoding: chunked", "Content-Length: 5"
	return []exchange{
		{name: "both lengths", parts: post("5\r\nhello\r\n0\r\n\r\n", "Content-Length: 4", chunk), oneOf: []int{200, 400}, behind: lacking("Content-Length: 4\r\n")},
		{name: "both lengths, and a request in what one of them leaves over", parts: post("0\r\n\r\n"+head("GET", web+"/smuggled"), "Content-Length: 6", chunk),
			oneOf: []int{200, 400}, behind: lacking("/smuggled", "Content-Length: 6\r\n")},
		{name: "two lengths", parts: post("helloX", length, "Content-Length: 6"), oneOf: refused, behind: atMost(0)},
		{name: "two lengths in one line", parts: post("helloX", "Content-Length: 5, 6"), oneOf: refused, behind: atMost(0)},
		{name: "the same length twice", parts: post("hello", length, length), oneOf: []int{200, 400}, behind: atMost(1)},
		{name: "a length with a sign", parts: post("hello", "Content-Length: +5"), oneOf: refused, behind: atMost(0)},
		{name: "a negative length", parts: post("hello", "Content-Length: -5"), oneOf: refused, behind: atMost(0)},
		{name: "a hexadecimal length", parts: post("hello", "Content-Length: 0x5"), oneOf: refused, behind: atMost(0)},
		{name: "a length of more than 64 bits", parts: post("hello", "Content-Length: 18446744073709551621"), oneOf: refused, behind: atMost(0)},
		{name: "an empty length", parts: post("hello", "Content-Length: "), oneOf: append(refused, 200), behind: lacking("hello")},
		{name: "a coding that is none", parts: post("0\r\n\r\n", "Transfer-Encoding: xchunked"), oneOf: refused, behind: atMost(0)},
		{name: "a coding after a vertical tab", parts: post("0\r\n\r\n", "Transfer-Encoding: \x0bchunked"), oneOf: refused, behind: atMost(0)},
		{name: "two codings", parts: post("0\r\n\r\n", chunk, "Transfer-Encoding: identity"), oneOf: refused, behind: atMost(0)},
		{name: "a list of codings", parts: post("0\r\n\r\n", "Transfer-Encoding: gzip, chunked"), oneOf: refused, behind: atMost(0)},
		{name: "chunked and not the last", parts: post("0\r\n\r\n", "Transfer-Encoding: chunked, identity"), oneOf: refused, behind: atMost(0)},
		{name: "chunked twice", parts: post("0\r\n\r\n", "Transfer-Encoding: chunked, chunked"), oneOf: refused, behind: atMost(0)},
		{name: "chunked in HTTP/1.0", parts: []string{bare("POST "+web+"/echo HTTP/1.0", "Host: x", "Authorization: Bearer alice-token", chunk) + "0\r\n\r\n" + head("GET", web+"/smuggled")},
			oneOf: append(refused, 200), behind: lacking("/smuggled")},
	}
}

// malformed are heads and chunks that break the grammar.
func malformed() []exchange {
	get := func(lines ...string) []string { return []string{last("GET", web+"/echo", lines...)} }
	chunks := func(body string) []string {
		return []string{head("POST", web+"/echo", "Transfer-Encoding: chunked") + body + last("GET", web+"/after")}
	}
	refused := []int{400, 0}
	return []exchange{
		{name: "a space before the colon", parts: []string{last("POST", web+"/echo", "Content-Length : 5") + "hello"}, oneOf: refused, behind: atMost(0)},
		{name: "a tab before the colon", parts: []string{last("POST", web+"/echo", "Content-Length\t: 5") + "hello"}, oneOf: refused, behind: atMost(0)},
		{name: "a folded line", parts: get("X-A: 1\r\n  Transfer-Encoding: chunked"), oneOf: []int{200, 400}, behind: lacking("\r\n  transfer", "\r\ntransfer")},
		{name: "a folded first line", parts: []string{bare("GET "+web+"/echo HTTP/1.1", " X-A: 1", "Host: x", "Authorization: Bearer alice-token")}, oneOf: refused, behind: atMost(0)},
		{name: "a line that ends with a bare LF", parts: get("X-A: 1\nX-B: 2"), oneOf: []int{200, 400}, behind: lacking("1\nX-B", "1X-B")},
		{name: "a head of bare LFs", parts: []string{strings.ReplaceAll(last("GET", web+"/echo"), "\r\n", "\n")}, oneOf: []int{200, 400, 0}, behind: atMost(1)},
		{name: "a bare CR in a value", parts: get("X-A: 1\rX-B: 2"), oneOf: refused, behind: atMost(0)},
		{name: "NUL in a value", parts: get("X-A: 1\x00"), oneOf: refused, behind: atMost(0)},
		{name: "a header without a name", parts: get(": 1"), oneOf: refused, behind: atMost(0)},
		{name: "a header without a colon", parts: get("X-A"), oneOf: refused, behind: atMost(0)},
		{name: "no Host", parts: []string{bare("GET "+web+"/echo HTTP/1.1", "Authorization: Bearer alice-token")}, oneOf: refused, behind: atMost(0)},
		{name: "two Hosts", parts: get("Host: y"), oneOf: refused, behind: atMost(0)},
		{name: "a Host that is none", parts: []string{bare("GET "+web+"/echo HTTP/1.1", "Host: a b", "Authorization: Bearer alice-token")}, oneOf: refused, behind: atMost(0)},
		{name: "a version that is none", parts: []string{bare("GET "+web+"/echo HTTP/1.x", "Host: x")}, oneOf: refused, behind: atMost(0)},
		{name: "a space in the target", parts: []string{last("GET", web+"/echo HTTP/1.1\r\nX-A: 1 ")}, oneOf: append(refused, 200), behind: lacking("/echo HTTP/1.1 ")},
		{name: "a method that is no token", parts: []string{last("GE(T", web+"/echo")}, oneOf: refused, behind: atMost(0)},
		{name: "a negative chunk", parts: chunks("-5\r\nhello\r\n0\r\n\r\n"), lacks: []string{"GET /after"}, oneOf: append(refused, 502), behind: lacking("GET /after")},
		{name: "a chunk without its CRLF", parts: chunks("5\r\nhelloXX0\r\n\r\n"), lacks: []string{"GET /after"}, oneOf: append(refused, 502), behind: lacking("GET /after")},
		{name: "a chunk of more than 64 bits", parts: chunks("10000000000000005\r\nhello\r\n0\r\n\r\n"), oneOf: append(refused, 502), behind: lacking("GET /after")},
		{name: "a chunk extension", parts: chunks("5;a=b\r\nhello\r\n0\r\n\r\n"), oneOf: []int{200, 400}, lacks: []string{"5;a=b"}},
		{name: "a chunk extension with a bare LF", parts: chunks("5;a\nb\r\nhello\r\n0\r\n\r\n"), oneOf: append(refused, 200, 502), lacks: []string{"5;a"}},
		{name: "chunk sizes that end with a bare LF", parts: chunks("5\nhello\n0\n\n"), oneOf: append(refused, 200, 502), behind: lacking("hello\n")},
	}
}

// disguised are headers that mean another to a backend, or take one away.
func disguised() []exchange {
	get := func(lines ...string) []string { return []string{last("GET", web+"/echo", lines...)} }
	return []exchange{
		{name: "Connection names what the engine sets", parts: []string{head("GET", web+"/echo", "X-Forwarded-For: 6.6.6.6", "Connection: X-Forwarded-For, X-Forwarded-Host, X-Forwarded-Prefix, close")}, codes: []int{200},
			has: []string{"X-Forwarded-For: ", "127.0.0.1\r\n", "X-Forwarded-Host: gateway\r\n", "X-Forwarded-Prefix: " + web + "\r\n"}},
		{name: "Connection names Authorization", parts: []string{head("GET", web+"/echo", "Connection: Authorization, close")}, codes: []int{200}, lacks: []string{"alice-token"}},
		{name: "Connection names Host", parts: []string{head("GET", web+"/echo", "Connection: Host, close")}, codes: []int{200}, has: []string{"Host: gateway\r\n"}},
		{name: "Connection names Content-Length", parts: []string{head("POST", web+"/echo", "Content-Length: 5", "Connection: Content-Length, close") + "hello"}, codes: []int{200}, has: []string{"\r\n\r\nhello"}},
		{name: "Connection names Transfer-Encoding", parts: []string{head("POST", web+"/echo", "Transfer-Encoding: chunked", "Connection: Transfer-Encoding, close") + "5\r\nhello\r\n0\r\n\r\n"}, codes: []int{200}, has: []string{"hello"}},
		{name: "an underscore for a hyphen", parts: get("X_Remote_User: root", "X-Remote_Group: system:masters", "X_Forwarded_For: 6.6.6.6", "x-forwarded_host: evil"), codes: []int{200}, behind: lacking("X_Remote", "X-Remote", "X_Forwarded", "X-Forwarded_")},
		{name: "who the caller is, in headers of an API server behind", parts: get("X-Remote-User: root", "x-remote-group: system:masters", "X-Remote-Extra-Scopes: all"), codes: []int{200}, lacks: []string{"root", "masters", "Scopes"}},
	}
}

// misdirected are request targets in other forms, and paths that climb.
func misdirected() []exchange {
	return []exchange{
		{name: "absolute form", parts: []string{last("GET", "https://gateway"+web+"/echo")}, oneOf: []int{200, 400}, behind: lacking("GET http")},
		{name: "absolute form with another host", parts: []string{last("GET", "http://metadata.test"+web+"/echo")}, oneOf: []int{200, 400}, behind: lacking("GET http")},
		{name: "authority form", parts: []string{last("GET", "gateway:443")}, oneOf: []int{400, 404, 0}, behind: atMost(0)},
		{name: "CONNECT", parts: []string{last("CONNECT", "gateway:443")}, oneOf: []int{400, 404, 405, 0}, behind: atMost(0)},
		{name: "CONNECT with a path", parts: []string{last("CONNECT", web+"/echo")}, oneOf: []int{400, 405}, behind: atMost(0)},
		{name: "asterisk form", parts: []string{last("OPTIONS", "*")}, oneOf: []int{200, 400, 404, 0}, behind: atMost(0)},
		{name: "a path that climbs above the prefix", parts: []string{last("GET", web+"/../../../../../../secrets")}, codes: []int{200}, has: []string{"GET /secrets HTTP/1.1"}},
		{name: "an escaped path that climbs above the prefix", parts: []string{last("GET", web+"/%2e%2e/.%2E/secrets")}, codes: []int{200}, has: []string{"GET /secrets HTTP/1.1"}},
		{name: "a line break in the path, escaped", parts: []string{last("GET", web+"/a%0d%0aX-B:%202")}, codes: []int{200}, has: []string{"GET /a%0d%0aX-B:%202 HTTP/1.1"}, lacks: []string{"\nX-B"}},
	}
}
