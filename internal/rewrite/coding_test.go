package rewrite_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/andybalholm/brotli"
	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

// codingName is a content coding, or one of the two that are called deflate.
type codingName string

// codingNames are those of the specification.
var codingNames = []codingName{"gzip", "deflate", "bare deflate", "br", "zstd"}

// header is its Content-Encoding.
func (c codingName) header() string { return strings.TrimPrefix(string(c), "bare ") }

type flusher interface {
	io.WriteCloser
	Flush() error
}

// encoder compresses.
func (c codingName) encoder(w io.Writer) flusher {
	switch c {
	case "gzip":
		return gzip.NewWriter(w)
	case "deflate":
		return zlib.NewWriter(w)
	case "bare deflate":
		z, _ := flate.NewWriter(w, 5)
		return z
	case "br":
		return brotli.NewWriter(w)
	default:
		z, _ := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1))
		return z
	}
}

func (c codingName) compress(text string) []byte {
	var b bytes.Buffer
	w := c.encoder(&b)
	_, _ = io.WriteString(w, text)
	_ = w.Close()
	return b.Bytes()
}

// decoder decompresses.
func (c codingName) decoder(r io.Reader) (io.Reader, error) {
	switch c {
	case "gzip":
		return gzip.NewReader(r)
	case "deflate":
		return zlib.NewReader(r)
	case "bare deflate":
		return flate.NewReader(r), nil
	case "br":
		return brotli.NewReader(r), nil
	default:
		return zstd.NewReader(r, zstd.WithDecoderConcurrency(1))
	}
}

func (c codingName) decompress(b []byte) (string, error) {
	r, err := c.decoder(bytes.NewReader(b))
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(r)
	return string(text), err
}

// sink is a Sink that remembers where it was flushed.
type sink struct {
	bytes.Buffer
	flushed int
}

func (s *sink) Flush() { s.flushed = s.Len() }

// page copies a page and returns it.
func page(t *testing.T, encoding, in string) string {
	t.Helper()
	var out sink
	if err := rules.Copy(&out, strings.NewReader(in), http.Header{"Content-Encoding": {encoding}}); err != nil {
		t.Fatalf("copying %.40q: %v", in, err)
	}
	return out.String()
}

// answer is a response with a page in a coding.
func answer(coding string, body io.Reader, more http.Header) *http.Response {
	h := http.Header{"Content-Type": {"text/html; charset=utf-8"}}
	if coding != "" {
		h.Set("Content-Encoding", coding)
	}
	for name, values := range more {
		h[name] = values
	}
	return &http.Response{StatusCode: 200, Header: h, ContentLength: -1, Body: io.NopCloser(body)}
}

// relay does with a response what the gateway does, and returns what the
// client gets.
func relay(resp *http.Response) (body []byte, h http.Header, page bool, err error) {
	h = resp.Header.Clone()
	var out sink
	if page = rules.Page(h, resp, "GET"); page {
		err = rules.Copy(&out, resp.Body, resp.Header)
	} else {
		_, err = io.Copy(&out, resp.Body)
	}
	return out.Bytes(), h, page, err
}

const link, linked = `<a href="/x">`, `<a href="/p/proxy/x">`

// gzip, deflate, br and zstd are decoded, rewritten and re-encoded.
func TestCodings(t *testing.T) {
	for _, c := range codingNames {
		for _, n := range []int{0, 1, 5000} {
			resp := answer(c.header(), bytes.NewReader(c.compress(strings.Repeat(link, n))), nil)
			out, h, page, err := relay(resp)
			if err != nil || !page || h.Get("Content-Encoding") != c.header() {
				t.Errorf("%s: page %t, %v, %v", c, page, h, err)
				continue
			}
			if got, err := c.decompress(out); err != nil || got != strings.Repeat(linked, n) {
				t.Errorf("%s: %d links became %d bytes, %v", c, n, len(got), err)
			}
		}
	}
}

func TestNamesOfCodings(t *testing.T) {
	zipped := codingName("gzip").compress(link)
	for header, want := range map[string]bool{
		"gzip": true, " GZip ": true, "x-gzip": true, "gzip, identity": true, ",gzip,": true,
		// Any other passes intact and unrewritten.
		"compress": false, "gzip, br": false, "br, gzip": false, "aes128gcm": false, "dcz": false, "gzip;q=1": false,
	} {
		out, h, page, err := relay(answer(header, bytes.NewReader(zipped), http.Header{"Content-Length": {"9"}, "Etag": {`"x"`}}))
		if intact := bytes.Equal(out, zipped) && h.Get("Content-Length") == "9" && h.Get("Etag") == `"x"`; err != nil || page != want || intact == want {
			t.Errorf("%q: page %t, intact %t, %v; want page %t", header, page, intact, err, want)
		}
	}
	for _, header := range []string{"", "identity", "Identity, identity"} {
		if got := page(t, header, link); got != linked {
			t.Errorf("%q: got %s", header, got)
		}
	}
}

// A lying Content-Encoding passes intact, byte for byte, with its headers.
func TestLyingCodingPassesIntact(t *testing.T) {
	bodies := map[string][]byte{
		"nothing": nil, "a byte": []byte("<"), "a page": []byte(link), "a long page": bytes.Repeat([]byte("<a href=/x>"), 10000),
		"text": []byte("Sorry, this is not compressed. " + strings.Repeat("k{[3#+;Cs", 100)), "white space": []byte(" \r\n\t\n<!doctype html>"),
		"binary": {0x80, 0x81, 0x82, 0x83, 0xfe, 0xff, 0xfe, 0xff, 1, 2, 3, 4},
	}
	for _, c := range codingNames {
		for _, other := range codingNames {
			if bare := "bare deflate"; other.header() != c.header() && string(c) != bare {
				bodies[string(other)] = other.compress(strings.Repeat(link, 100))
			} else {
				delete(bodies, string(other))
			}
		}
		bodies["more than it"] = append(c.compress(link), " and more behind its end"...)
		for name, body := range bodies {
			whole := http.Header{"Content-Length": {"9"}, "Etag": {`"x"`}, "Accept-Ranges": {"bytes"}}
			out, h, page, err := relay(answer(c.header(), bytes.NewReader(body), whole))
			if err != nil || page || !bytes.Equal(out, body) {
				t.Errorf("%s, %s: page %t, %.30q became %.30q, %v", c, name, page, body, out, err)
			}
			if diff := cmp.Diff(answer(c.header(), nil, whole).Header, h); diff != "" {
				t.Errorf("%s, %s, headers, -want +got:\n%s", c, name, diff)
			}
			if !strings.Contains(name, "page") && name != "white space" {
				continue // a few bytes of it may be the beginning of anything
			}
			var slowly sink // where nobody has looked before
			if err := rules.Copy(&slowly, iotest.OneByteReader(bytes.NewReader(body)), h); err != nil || !bytes.Equal(slowly.Bytes(), body) {
				t.Errorf("%s, %s: byte by byte %.30q became %.30q, %v", c, name, body, slowly.Bytes(), err)
			}
		}
	}
}

// A body that is in its coding is believed, however little of it comes first.
func TestTrueCodingIsBelieved(t *testing.T) {
	text := link + strings.Repeat("some text that can be compressed, and some 0123456789 that cannot ", 20)
	for _, c := range codingNames {
		whole := c.compress(text)
		for n := 1; n < len(whole); n++ {
			_, _, page, err := relay(answer(c.header(), io.MultiReader(bytes.NewReader(whole[:n]), bytes.NewReader(whole[n:])), nil))
			if !page || err != nil {
				t.Errorf("%s: of %d bytes %d came first: page %t, %v", c, len(whole), n, page, err)
			}
		}
	}
}

// A coding error in the middle breaks the response off, and so does an end
// that comes too early, or an error of the connection.
func TestBrokenPageIsBroken(t *testing.T) {
	var text strings.Builder
	for i := range 10000 {
		fmt.Fprint(&text, link, i*i*i%9973)
	}
	for _, c := range codingNames {
		whole := c.compress(text.String())
		spoilt := bytes.Clone(whole)
		from := len(whole) - 300
		if c == "bare deflate" {
			from = len(whole) * 3 / 4 // it has no checksum, and less might do no harm
		}
		for i := from; i < len(whole)-100; i++ {
			spoilt[i] ^= 0x55
		}
		for name, body := range map[string]io.Reader{
			"spoilt":  bytes.NewReader(spoilt),
			"cut off": bytes.NewReader(whole[:len(whole)-20]),
			"reset":   io.MultiReader(bytes.NewReader(whole[:len(whole)-20]), iotest.ErrReader(errors.New("reset"))),
		} {
			out, _, page, err := relay(answer(c.header(), body, nil))
			if err == nil || !page {
				t.Errorf("%s, %s: page %t, completed", c, name, page)
			}
			// All that could be had of it has come.
			if got, _ := c.decompress(out); !strings.Contains(got, linked) {
				t.Errorf("%s, %s: nothing came of it", c, name)
			}
		}
	}
}

// An error while the first bytes are read is not lost.
func TestBrokenBeginning(t *testing.T) {
	out, _, page, err := relay(answer("gzip", io.MultiReader(strings.NewReader("\x1f\x8b"), iotest.ErrReader(io.ErrClosedPipe)), nil))
	if page || string(out) != "\x1f\x8b" || !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("page %t, got %q, %v", page, out, err)
	}
}

func TestWhichBodiesAreRewritten(t *testing.T) {
	whole := http.Header{
		"Content-Length": {"5"}, "Etag": {`"x"`}, "Accept-Ranges": {"bytes"}, "Content-Md5": {"x"}, "Digest": {"x"}, "Content-Digest": {"x"}, "Repr-Digest": {"x"},
	}
	changed := http.Header{"Etag": {`W/"x"`}}
	tests := []struct {
		name   string
		status int
		kind   string
		method string
		page   bool
		want   http.Header
	}{
		{"HTML", 200, "text/html; charset=utf-8", "GET", true, changed},
		{"HTML, in another spelling", 200, " TEXT/HTML ;x", "GET", true, changed},
		{"XHTML, an error page", 500, "application/xhtml+xml", "POST", true, changed},
		{"HEAD of HTML, like GET", 200, "text/html", "HEAD", false, changed},
		{"304 of HTML, like 200", 304, "text/html", "GET", false, changed},
		{"a part (206)", 206, "text/html", "GET", false, whole},
		{"204", 204, "text/html", "GET", false, whole},
		{"another type", 200, "application/json", "GET", false, whole},
		{"a type that is only like it", 200, "text/html5", "GET", false, whole},
		{"no type", 200, "", "GET", false, whole},
	}
	for _, tt := range tests {
		resp := &http.Response{StatusCode: tt.status, Header: http.Header{}, ContentLength: 5, Body: io.NopCloser(strings.NewReader("hello"))}
		if tt.kind != "" {
			resp.Header.Set("Content-Type", tt.kind)
		}
		h := whole.Clone()
		if got := rules.Page(h, resp, tt.method); got != tt.page {
			t.Errorf("%s: page %t", tt.name, got)
		}
		if diff := cmp.Diff(tt.want, h); diff != "" {
			t.Errorf("%s, -want +got:\n%s", tt.name, diff)
		}
	}
	empty := answer("", strings.NewReader(""), http.Header{"Content-Length": {"0"}, "Etag": {`"x"`}})
	empty.ContentLength = 0
	if _, h, page, _ := relay(empty); page || h.Get("Content-Length") != "0" || h.Get("Etag") != `"x"` {
		t.Errorf("an empty page: page %t, %v", page, h)
	}
}

// Weak ETags stay, and so do those that are none.
func TestETags(t *testing.T) {
	for in, want := range map[string]string{`"x"`: `W/"x"`, `W/"x"`: `W/"x"`, "x": "x", `""`: `W/""`} {
		if _, h, _, _ := relay(answer("", strings.NewReader(link), http.Header{"Etag": {in}})); h.Get("Etag") != want {
			t.Errorf("%s became %s, want %s", in, h.Get("Etag"), want)
		}
	}
}

// A 304 has the ETag that the page had, also where it does not say that it is
// one: the client says which ETag it has.
func TestNotModified(t *testing.T) {
	for has, want := range map[string]string{`W/"x"`: `W/"x"`, `"y", W/"x"`: `W/"x"`, `"x"`: `"x"`, `W/"y"`: `"x"`, "": `"x"`} {
		resp := &http.Response{StatusCode: 304, Header: http.Header{"Etag": {`"x"`}}, Request: &http.Request{Header: http.Header{"If-None-Match": {has}}}}
		h := resp.Header.Clone()
		if rules.Page(h, resp, "GET"); h.Get("Etag") != want {
			t.Errorf("If-None-Match: %s: got %s, want %s", has, h.Get("Etag"), want)
		}
	}
}
