package gateway_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-access/causeway/internal/route"
)

const ownOrigin = "http://web.default.localhost:8001"

func TestAnApplicationWithAnOriginOfItsOwnIsToldIt(t *testing.T) {
	w := newWorld(t, nil, service("web", backend(t, echo))...)
	_, body := w.do("GET", web+"/a%2Fb?y=z", nil, route.OwnOriginHeader, ownOrigin, "X-Forwarded-Prefix", "/evil", "X-Forwarded-Host", "evil",
		"Origin", ownOrigin, "User-Agent", "me")
	want := strings.Join([]string{
		"GET /a%2Fb?y=z HTTP/1.1", "Host: web.default.localhost:8001", "Origin: " + ownOrigin, "User-Agent: me", "X-Forwarded-For: 127.0.0.1",
		"X-Forwarded-Host: web.default.localhost:8001", "X-Forwarded-Proto: http", "X-Forwarded-Uri: /a%2Fb?y=z", "", "",
	}, "\r\n")
	if diff := cmp.Diff(want, body); diff != "" {
		t.Errorf("-want +the backend got:\n%s", diff)
	}
}

func TestAnApplicationWithAnOriginOfItsOwnIsNotRewritten(t *testing.T) {
	const page = `<a href="/x">x</a>`
	w := newWorld(t, nil, service("web", backend(t, func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h["Set-Cookie"] = []string{"a=1; Path=/; Secure", "b=1; Domain=default.localhost"}
		h.Set("Content-Location", "http://"+r.Context().Value(http.LocalAddrContextKey).(fmt.Stringer).String()+"/y")
		h.Set("Service-Worker-Allowed", "/")
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Content-Type", "text/html")
		h.Set("Location", "/login")
		io.WriteString(w, page)
	}))...)
	resp, body := w.do("GET", web+"/", nil, route.OwnOriginHeader, ownOrigin)
	if body != page || resp.ContentLength != int64(len(page)) {
		t.Errorf("the page became %q", body)
	}
	got := resp.Header
	delete(got, "Audit-Id")
	delete(got, "Date")
	want := http.Header{
		"Set-Cookie":       {"a=1; Path=/; Secure", "b=1"}, // no other application's
		"Content-Location": {ownOrigin + "/y"}, "Location": {"/login"}, "Service-Worker-Allowed": {"/"},
		"Access-Control-Allow-Origin": {"*"}, "Content-Type": {"text/html"}, "Content-Length": {fmt.Sprint(len(page))},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// The header's word is taken for the target's own name only, and goes no further.
func TestWhoseOriginIsBelieved(t *testing.T) {
	w := newWorld(t, nil, service("web", backend(t, echo))...)
	for value, believed := range map[string]bool{
		ownOrigin: true, "http://web.default.localhost": true, "http://WEB--default.localhost:1": true,
		"https://web.default.localhost:8001": false, "http://other.default.localhost:8001": false, "http://80--web.default.localhost": false,
		"http://web.other.localhost": false, "http://web.pod.default.localhost": false, "http://localhost:8001": false, "http://api.example": false,
		"http://web.default.localhost:8001/": false, "http://web.default.localhost:x": false, "http://web.default.localhost:": false,
		"http://web.default.localhost:8001:1": false, "http://u@web.default.localhost": false, "": false, "x": false,
	} {
		if value == "" {
			value = " "
		}
		_, body := w.do("GET", web+"/", nil, route.OwnOriginHeader, value)
		if got := !strings.Contains(body, "X-Forwarded-Prefix: "+web); got != believed {
			t.Errorf("%q: believed is %t, want %t; the backend got\n%s", value, got, believed, body)
		}
		if strings.Contains(body, route.OwnOriginHeader) {
			t.Errorf("%q: the backend sees the header", value)
		}
	}
}

func TestTheAPISaysThatItKnowsOwnOrigins(t *testing.T) {
	w := newWorld(t, nil)
	if resp, _ := w.do("GET", "/api", nil, route.OwnOriginHeader, "?"); resp.Header.Get(route.OwnOriginHeader) != "known" {
		t.Errorf("asked, it answers %v", resp.Header)
	}
	if resp, _ := w.do("GET", "/api", nil); resp.Header.Get(route.OwnOriginHeader) != "" {
		t.Error("it answers who has not asked")
	}
}
