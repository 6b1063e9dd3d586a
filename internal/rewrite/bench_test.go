package rewrite_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/causeway-access/causeway/internal/rewrite"
)

// requestOf returns the headers of a browser's request.
func requestOf() http.Header {
	h := make(http.Header, 16)
	for name, value := range map[string]string{
		"Accept": "text/html", "Accept-Encoding": "gzip", "Accept-Language": "en", "User-Agent": "x", "Cookie": "a=b; c=d", "Connection": "keep-alive", "Authorization": "Basic x",
	} {
		h[name] = []string{value}
	}
	return h
}

// responseOf returns the headers of a small static answer.
func responseOf() http.Header {
	return http.Header{
		"Content-Type": {"application/json"}, "Content-Length": {"1024"}, "Date": {"x"}, "Server": {"x"},
		"Etag": {`"x"`}, "Last-Modified": {"x"}, "Accept-Ranges": {"bytes"}, "Connection": {"keep-alive"},
	}
}

// Headers cost nothing that can be avoided: a request the values that it gets,
// in one piece, and a response that is no page nothing.
func TestHeadersCostLittle(t *testing.T) {
	h := requestOf()
	request := testing.AllocsPerRun(1000, func() {
		delete(h, "X-Forwarded-For") // or it would grow
		h["Connection"] = keepAlive
		rewrite.Request(h, origin, "session")
	})
	if request > 1 {
		t.Errorf("a request took %v allocations, want 1", request)
	}
	resp := &http.Response{StatusCode: 200, Header: responseOf(), ContentLength: 1024}
	response := testing.AllocsPerRun(1000, func() {
		resp.Header["Connection"] = keepAlive
		rules.Response(resp.Header, false)
		if rules.Page(resp.Header, resp, "GET") {
			t.Error("JSON was taken for a page")
		}
	})
	if response > 0 {
		t.Errorf("a response took %v allocations, want none", response)
	}
	resp.Header["Location"] = []string{"https://example.com/x"}
	if unchanged := testing.AllocsPerRun(1000, func() { rules.Response(resp.Header, false) }); unchanged > 0 {
		t.Errorf("a Location that does not change took %v allocations, want none", unchanged)
	}
}

var keepAlive = []string{"keep-alive"}

func BenchmarkRequest(b *testing.B) {
	b.ReportAllocs()
	h := requestOf()
	for b.Loop() {
		delete(h, "X-Forwarded-For")
		h["Connection"] = keepAlive
		rewrite.Request(h, origin, "session")
	}
}

func BenchmarkResponse(b *testing.B) {
	b.ReportAllocs()
	resp := &http.Response{StatusCode: 200, Header: responseOf(), ContentLength: 1024}
	for b.Loop() {
		resp.Header["Connection"] = keepAlive
		rules.Response(resp.Header, false)
		rules.Page(resp.Header, resp, "GET")
	}
}

// BenchmarkPage copies a page of 64 KiB with a link in every 100 bytes.
func BenchmarkPage(b *testing.B) {
	in := strings.Repeat(`<p class="x">`+strings.Repeat("text ", 14)+`</p>`+link, 640)
	for _, c := range append([]codingName{""}, codingNames...) {
		b.Run("coding="+string(c), func(b *testing.B) {
			body := in
			if c != "" {
				body = string(c.compress(in))
			}
			h := http.Header{"Content-Encoding": {c.header()}}
			b.SetBytes(int64(len(in)))
			b.ReportAllocs()
			for b.Loop() {
				if err := rules.Copy(discard{}, io.Reader(strings.NewReader(body)), h); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
