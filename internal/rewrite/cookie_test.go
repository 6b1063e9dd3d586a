package rewrite_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-access/causeway/internal/rewrite"
)

// cookies are the rows of Set-Cookie.
var cookies = map[string]string{
	// Better: Domain dropped.
	"a=b; domain=.example.com; Secure":        "a=b; Secure; Path=/p/proxy/",
	"a=b; Path=/x; Domain=example.com; Max=1": "a=b; Path=/p/proxy/x; Max=1",
	"a=b;DOMAIN=x;Domain;Path=/":              "a=b; Path=/p/proxy/",
	"a=b; Path=/x; HttpOnly":                  "a=b; Path=/p/proxy/x; HttpOnly",
	"a=b;path=/;Max-Age=1":                    "a=b; Path=/p/proxy/;Max-Age=1",
	"a=b; Path=/p/proxy/x":                    "a=b; Path=/p/proxy/x",
	"a=b; Path=/p/proxy":                      "a=b; Path=/p/proxy",
	"a=b; Path=/p/proxyx":                     "a=b; Path=/p/proxy/p/proxyx",
	"a=b; Path=/p/proxy?x":                    "a=b; Path=/p/proxy/p/proxy?x",
	"a=b; PATH = /x ;x":                       "a=b; Path=/p/proxy/x;x",
	"a=b":                                     "a=b; Path=/p/proxy/",
	"a=b; Path":                               "a=b; Path=/p/proxy/",
	"a=b; Path=; Path=/last":                  "a=b; Path=/p/proxy/last",
	"a=b; Path=/x; Path=y":                    "a=b; Path=/p/proxy/",
	"a=b; Path=relative; SameSite=None":       "a=b; Path=/p/proxy/; SameSite=None",
	`a=b; Path="/x"`:                          "a=b; Path=/p/proxy/",
	`a="/x; y"`:                               `a="/x; y"; Path=/p/proxy/`,
	`a="x=1, Path=/y"; Path=/z`:               `a="x=1, Path=/y"; Path=/p/proxy/z`,
	"path=/x":                                 "path=/x; Path=/p/proxy/",
	"domain=x; Path=/":                        "domain=x; Path=/p/proxy/",
	"a=b; Expires=Wed, 21 Oct 2026 07:28:00 GMT; Partitioned": "a=b; Expires=Wed, 21 Oct 2026 07:28:00 GMT; Partitioned; Path=/p/proxy/",
	"":                              "; Path=/p/proxy/",
	"__Secure-a=b; Secure; Path=/x": "__Secure-a=b; Secure; Path=/p/proxy/x",
	// Browsers refuse it then, and no other application gets it.
	"__Host-a=b; Secure; Path=/": "__Host-a=b; Secure; Path=/p/proxy/",
}

func TestCookies(t *testing.T) {
	for in, want := range cookies {
		h := http.Header{"Set-Cookie": {in, "second=1; Path=/y", in}}
		rules.Response(h, false)
		if diff := cmp.Diff([]string{want, "second=1; Path=/p/proxy/y", want}, h["Set-Cookie"]); diff != "" {
			t.Errorf("%q, -want +got:\n%s", in, diff)
		}
	}
}

// Removed: the credential that authenticated the caller, here the session's
// cookie, however net/http would find it.
func TestSessionCookieIsRemoved(t *testing.T) {
	for _, tt := range []struct {
		name     string
		in, want []string
	}{
		{"alone", []string{"session=x"}, nil},
		{"first", []string{"session=x; a=b"}, []string{"a=b"}},
		{"in the middle", []string{"a=b; session=x; c=d"}, []string{"a=b; c=d"}},
		{"last, without space", []string{"a=b;session=x"}, []string{"a=b"}},
		{"with space before its name and behind it", []string{"a=b;  session =x"}, []string{"a=b"}},
		{"twice", []string{"session=x; a=b; session=y"}, []string{"a=b"}},
		{"in a line of its own", []string{"a=b", "session=x", "c=d"}, []string{"a=b", "c=d"}},
		{"quoted", []string{`session="x"; a="b"`}, []string{`a="b"`}},
		{"others are left byte for byte", []string{"a=b;c=d;;  sessions=x;Session=y"}, []string{"a=b;c=d;;  sessions=x;Session=y"}},
	} {
		h := http.Header{"Cookie": tt.in}
		rewrite.Request(h, rewrite.Origin{}, "session")
		if diff := cmp.Diff(tt.want, h["Cookie"]); diff != "" {
			t.Errorf("%s, -want +got:\n%s", tt.name, diff)
		}
	}
}
