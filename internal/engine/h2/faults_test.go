package h2_test

import (
	"net/http"
	"strings"
	"testing"

	"golang.org/x/net/http2"

	"github.com/causeway-access/causeway/internal/engine/h2"
)

// frame is one that no library would write.
func frame(kind http2.FrameType, flags http2.Flags, stream uint32, payload string) func(*peer) {
	return func(p *peer) { _ = p.fr.WriteRawFrame(kind, flags, stream, []byte(payload)) }
}

func both(first, second func(*peer)) func(*peer) {
	return func(p *peer) { first(p); second(p) }
}

func opened(end bool, fields ...string) func(*peer) {
	return func(p *peer) { p.open(1, end, head(fields...)...) }
}

// What breaks the rules of the connection ends it, with the code that RFC 9113
// has for it.
func TestFaultsEndTheConnection(t *testing.T) {
	post := opened(false, ":method", "POST")
	for _, tt := range []struct {
		name string
		send func(*peer)
		want http2.ErrCode
	}{
		{"SETTINGS on a stream", frame(http2.FrameSettings, 0, 1, ""), http2.ErrCodeProtocol},
		{"SETTINGS of half a setting", frame(http2.FrameSettings, 0, 0, "abc"), http2.ErrCodeFrameSize},
		{"an ACK that holds settings", frame(http2.FrameSettings, http2.FlagSettingsAck, 0, "abcdef"), http2.ErrCodeFrameSize},
		{"a window above the largest", frame(http2.FrameSettings, 0, 0, "\x00\x04\x80\x00\x00\x00"), http2.ErrCodeFlowControl},
		{"frames below the smallest size", frame(http2.FrameSettings, 0, 0, "\x00\x05\x00\x00\x00\x64"), http2.ErrCodeProtocol},
		{"ENABLE_PUSH of 2", frame(http2.FrameSettings, 0, 0, "\x00\x02\x00\x00\x00\x02"), http2.ErrCodeProtocol},
		{"PING on a stream", frame(http2.FramePing, 0, 1, "12345678"), http2.ErrCodeProtocol},
		{"PING of seven bytes", frame(http2.FramePing, 0, 0, "1234567"), http2.ErrCodeFrameSize},
		{"WINDOW_UPDATE of three bytes", frame(http2.FrameWindowUpdate, 0, 0, "123"), http2.ErrCodeFrameSize},
		{"WINDOW_UPDATE of nothing", frame(http2.FrameWindowUpdate, 0, 0, "\x00\x00\x00\x00"), http2.ErrCodeProtocol},
		{"WINDOW_UPDATE beyond the largest", frame(http2.FrameWindowUpdate, 0, 0, "\x7f\xff\xff\xff"), http2.ErrCodeFlowControl},
		{"WINDOW_UPDATE of a stream that is none", frame(http2.FrameWindowUpdate, 0, 5, "\x00\x00\x00\x01"), http2.ErrCodeProtocol},
		{"a setting that takes a window beyond the largest", func(p *peer) {
			post(p)
			_ = p.fr.WriteWindowUpdate(1, 1<<31-1-65535)
			_ = p.fr.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 65536})
		}, http2.ErrCodeFlowControl},
		{"RST_STREAM of a stream that is none", frame(http2.FrameRSTStream, 0, 5, "\x00\x00\x00\x01"), http2.ErrCodeProtocol},
		{"RST_STREAM of the connection", frame(http2.FrameRSTStream, 0, 0, "\x00\x00\x00\x01"), http2.ErrCodeProtocol},
		{"RST_STREAM of three bytes", both(post, frame(http2.FrameRSTStream, 0, 1, "123")), http2.ErrCodeFrameSize},
		{"DATA on a stream that is none", frame(http2.FrameData, 0, 5, "x"), http2.ErrCodeProtocol},
		{"DATA on the connection", frame(http2.FrameData, 0, 0, "x"), http2.ErrCodeProtocol},
		{"DATA with more padding than payload", both(post, frame(http2.FrameData, http2.FlagDataPadded, 1, "\x05abc")), http2.ErrCodeProtocol},
		{"DATA without its padding's length", both(post, frame(http2.FrameData, http2.FlagDataPadded, 1, "")), http2.ErrCodeFrameSize},
		{"HEADERS on the connection", func(p *peer) { p.open(0, true, head()...) }, http2.ErrCodeProtocol},
		{"HEADERS on a stream of the server's", func(p *peer) { p.open(2, true, head()...) }, http2.ErrCodeProtocol},
		{"HEADERS on an earlier stream", func(p *peer) { p.open(5, true, head()...); p.open(3, true, head()...) }, http2.ErrCodeProtocol},
		{"HEADERS with more padding than payload", frame(http2.FrameHeaders, http2.FlagHeadersPadded|http2.FlagHeadersEndHeaders, 1, "\x05abc"), http2.ErrCodeProtocol},
		{"HEADERS with half a priority", frame(http2.FrameHeaders, http2.FlagHeadersPriority|http2.FlagHeadersEndHeaders, 1, "abc"), http2.ErrCodeFrameSize},
		{"CONTINUATION of nothing", frame(http2.FrameContinuation, http2.FlagContinuationEndHeaders, 1, ""), http2.ErrCodeProtocol},
		{"a frame within a header block", both(frame(http2.FrameHeaders, 0, 1, ""), frame(http2.FramePing, 0, 0, "12345678")), http2.ErrCodeProtocol},
		{"CONTINUATION of another stream", both(frame(http2.FrameHeaders, 0, 1, ""), frame(http2.FrameContinuation, 0, 3, "")), http2.ErrCodeProtocol},
		{"a header block that is none", frame(http2.FrameHeaders, http2.FlagHeadersEndHeaders, 1, "\xff\xff\xff\xff\xff\xff\xff\xff\xff"), http2.ErrCodeCompression},
		{"half a header block", frame(http2.FrameHeaders, http2.FlagHeadersEndHeaders, 1, "\x40\x05ab"), http2.ErrCodeCompression},
		{"a frame above the largest size", frame(http2.FrameData, 0, 1, strings.Repeat("x", 16385)), http2.ErrCodeFrameSize},
		{"PUSH_PROMISE", frame(http2.FramePushPromise, http2.FlagPushPromiseEndHeaders, 1, "\x00\x00\x00\x02"), http2.ErrCodeProtocol},
		{"PRIORITY of the connection", frame(http2.FramePriority, 0, 0, "12345"), http2.ErrCodeProtocol},
		{"GOAWAY on a stream", frame(http2.FrameGoAway, 0, 1, "12345678"), http2.ErrCodeProtocol},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := connect(t, h2.Config{Handler: http.HandlerFunc(echo)})
			tt.send(p)
			if a := p.answer(99); a.GoAway != tt.want.String() {
				t.Errorf("got %+v, want GOAWAY with %v", a, tt.want)
			}
			<-p.over
		})
	}
}

func TestConnectionsThatDoNotBeginAsHTTP2AreEnded(t *testing.T) {
	for name, text := range map[string]string{
		"HTTP/1.1":                "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"no SETTINGS":             http2.ClientPreface + "\x00\x00\x08\x06\x00\x00\x00\x00\x0012345678",
		"an ACK for the settings": http2.ClientPreface + "\x00\x00\x00\x04\x01\x00\x00\x00\x00",
	} {
		t.Run(name, func(t *testing.T) {
			p := call(t, h2.New(h2.Config{}))
			p.raw(text)
			if a := p.answer(1); a.GoAway != http2.ErrCodeProtocol.String() {
				t.Errorf("got %+v, want GOAWAY", a)
			}
			<-p.over
		})
	}
}

// What breaks the rules of a stream resets it; the connection goes on.
func TestFaultsResetTheStream(t *testing.T) {
	post := func(fields ...string) func(*peer) {
		return opened(false, append([]string{":method", "POST"}, fields...)...)
	}
	data := func(end bool, s string) func(*peer) {
		return func(p *peer) { _ = p.fr.WriteData(1, end, []byte(s)) }
	}
	trailer := func(end bool, fields ...string) func(*peer) {
		return func(p *peer) { p.open(1, end, fields...) }
	}
	for _, tt := range []struct {
		name string
		send func(*peer)
		want http2.ErrCode
	}{
		{"a trailer that does not end it", both(post(), trailer(false, "x", "y")), http2.ErrCodeProtocol},
		{"a trailer with a pseudo field", both(post(), trailer(true, ":path", "/")), http2.ErrCodeProtocol},
		{"a trailer with a name in capitals", both(post(), trailer(true, "X", "y")), http2.ErrCodeProtocol},
		{"WINDOW_UPDATE of nothing", both(post(), frame(http2.FrameWindowUpdate, 0, 1, "\x00\x00\x00\x00")), http2.ErrCodeProtocol},
		{"WINDOW_UPDATE beyond the largest", both(post(), frame(http2.FrameWindowUpdate, 0, 1, "\x7f\xff\xff\xff")), http2.ErrCodeFlowControl},
		{"more data than the window", both(post(":path", "/wait"), func(p *peer) {
			for range 5 {
				_ = p.fr.WriteData(1, false, make([]byte, 16<<10))
			}
		}), http2.ErrCodeFlowControl},
		{"more body than its length", both(post("content-length", "3"), data(false, "four")), http2.ErrCodeProtocol},
		{"less body than its length", both(post("content-length", "5"), data(true, "four")), http2.ErrCodeProtocol},
		{"a trailer before the body's length", both(post("content-length", "5"), trailer(true, "x", "y")), http2.ErrCodeProtocol},
		{"a length without a body", opened(true, "content-length", "5"), http2.ErrCodeProtocol},
		{"two lengths", post("content-length", "5", "content-length", "6"), http2.ErrCodeProtocol},
		{"a length that is none", post("content-length", "5x"), http2.ErrCodeProtocol},
		{"PRIORITY of four bytes", both(post(), frame(http2.FramePriority, 0, 1, "1234")), http2.ErrCodeFrameSize},
		{"no method", opened(true, ":method", ""), http2.ErrCodeProtocol},
		{"a method that is no token", opened(true, ":method", "G T"), http2.ErrCodeProtocol},
		{"no path", opened(true, ":path", ""), http2.ErrCodeProtocol},
		{"a path that is none", opened(true, ":path", "x"), http2.ErrCodeProtocol},
		{"a path that is a URL", opened(true, ":path", "https://x/"), http2.ErrCodeProtocol},
		{"no scheme", opened(true, ":scheme", ""), http2.ErrCodeProtocol},
		{"another scheme", opened(true, ":scheme", "ftp"), http2.ErrCodeProtocol},
		{"a user in the authority", opened(true, ":authority", "u@h"), http2.ErrCodeProtocol},
		{"an authority that is none", opened(true, ":authority", "a b"), http2.ErrCodeProtocol},
		{"a host that is another", opened(true, "host", "other"), http2.ErrCodeProtocol},
		{"two hosts", opened(true, ":authority", "", "host", "a", "host", "b"), http2.ErrCodeProtocol},
		{"CONNECT with a path", opened(true, ":method", "CONNECT"), http2.ErrCodeProtocol},
		{"CONNECT to nowhere", opened(true, ":method", "CONNECT", ":path", "", ":scheme", "", ":authority", ""), http2.ErrCodeProtocol},
		{"a method given twice", func(p *peer) { p.open(1, true, append([]string{":method", "GET"}, head()...)...) }, http2.ErrCodeProtocol},
		{"a pseudo field behind others", func(p *peer) { p.open(1, true, append(head("x", "y"), ":path", "/")...) }, http2.ErrCodeProtocol},
		{"an unknown pseudo field", opened(true, ":x", "y"), http2.ErrCodeProtocol},
		{"a pseudo field of answers", opened(true, ":status", "200"), http2.ErrCodeProtocol},
		{"extended CONNECT that was not offered", opened(true, ":method", "CONNECT", ":protocol", "websocket"), http2.ErrCodeProtocol},
		{"a name in capitals", opened(true, "X", "y"), http2.ErrCodeProtocol},
		{"a name with a space", opened(true, "x ", "y"), http2.ErrCodeProtocol},
		{"no name", opened(true, "", "y"), http2.ErrCodeProtocol},
		{"a line break in a value", opened(true, "x", "y\r\nz: a"), http2.ErrCodeProtocol},
		{"NUL in a value", opened(true, "x", "\x00"), http2.ErrCodeProtocol},
		{"a line break in a path", opened(true, ":path", "/\r\n"), http2.ErrCodeProtocol},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := connect(t, h2.Config{StreamBuffer: 64 << 10, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/wait" {
					<-r.Context().Done()
				}
				echo(w, r)
			})})
			tt.send(p)
			if a := p.answer(1); a.Reset != tt.want.String() || a.Ended {
				t.Errorf("got %+v, want it reset with %v", a, tt.want)
			}
			p.open(3, true, head()...)
			if a := p.answer(3); a.status() != "200" {
				t.Errorf("then %+v", a)
			}
		})
	}
}

func TestFramesOfAStreamThatHasEnded(t *testing.T) {
	wait := make(chan struct{})
	p := connect(t, h2.Config{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-wait })})
	defer close(wait)
	p.open(1, true, head()...)
	_ = p.fr.WriteData(1, false, []byte("x"))
	if a := p.answer(1); a.Reset != http2.ErrCodeStreamClosed.String() {
		t.Errorf("DATA: got %+v", a)
	}
	p.open(3, true, head()...)
	p.open(3, true, "x", "y")
	if a := p.answer(3); a.Reset != http2.ErrCodeStreamClosed.String() {
		t.Errorf("HEADERS: got %+v", a)
	}
}

// What the client has sent on a stream before it could know that it was reset
// is no fault.
func TestFramesUnderWayOfAStreamThatWasResetAreIgnored(t *testing.T) {
	p := connect(t, h2.Config{Handler: http.HandlerFunc(echo)})
	p.open(1, false, head(":method", "POST", "content-length", "1")...)
	_ = p.fr.WriteData(1, false, []byte("too much"))
	_ = p.fr.WriteData(1, false, []byte("and more"))
	_ = p.fr.WriteWindowUpdate(1, 10)
	p.open(1, true, "trailer", "y")
	_ = p.fr.WriteRSTStream(1, http2.ErrCodeCancel)
	if a := p.answer(1); a.Reset != http2.ErrCodeProtocol.String() {
		t.Fatalf("got %+v", a)
	}
	p.open(3, true, head()...)
	if a := p.answer(3); a.status() != "200" || a.GoAway != "" {
		t.Errorf("then %+v", a)
	}
}

func TestWhatHasNoMeaningIsIgnored(t *testing.T) {
	p := connect(t, h2.Config{Handler: http.HandlerFunc(echo)})
	for _, send := range []func(*peer){
		frame(http2.FramePriority, 0, 7, "\x00\x00\x00\x00\x10"),
		frame(0x10, 0, 0, "\x00\x00\x00\x01u=1"), // PRIORITY_UPDATE
		frame(0x7f, 0xff, 3, "whatever"),
		frame(http2.FrameGoAway, 0, 0, "\x00\x00\x00\x00\x00\x00\x00\x00"),
		frame(http2.FrameSettings, 0, 0, "\xff\x00\x00\x00\x00\x02"),
		frame(http2.FrameHeaders, http2.FlagHeadersPadded|http2.FlagHeadersPriority, 1, "\x03\x00\x00\x00\x00\x10\x83\x84pad"), // POST /
		frame(http2.FrameContinuation, 0, 1, ""),
		frame(http2.FrameContinuation, http2.FlagContinuationEndHeaders, 1, "\x87"), // https
		frame(http2.FrameData, http2.FlagDataPadded, 1, "\x03bodypad"),
		frame(http2.FrameData, 0, 1, ""),
		frame(http2.FrameData, http2.FlagDataEndStream|http2.FlagDataPadded, 1, "\x00"),
	} {
		send(p)
	}
	if a := p.answer(1); a.Body != "body" || !a.Ended {
		t.Errorf("got %+v", a)
	}
}

func TestRequestsThatNoHandlerIsToSee(t *testing.T) {
	for _, tt := range []struct {
		name, want string
		fields     []string
	}{
		{"connection", "400", head("connection", "keep-alive")},
		{"proxy-connection", "400", head("proxy-connection", "keep-alive")},
		{"keep-alive", "400", head("keep-alive", "5")},
		{"transfer-encoding", "400", head("transfer-encoding", "chunked")},
		{"upgrade", "400", head("upgrade", "h2c")},
		{"te", "400", head("te", "gzip")},
		{"a head that is too long", "431", head("x", strings.Repeat("x", 900), "y", strings.Repeat("y", 900))},
		{"a field that is too long", "431", head("x", strings.Repeat("x", 1500))},
		{"OPTIONS of the server", "200", head(":method", "OPTIONS", ":path", "*")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := connect(t, h2.Config{MaxHeaderBytes: 1000, Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was served") })})
			p.open(1, true, tt.fields...)
			if a := p.answer(1); a.status() != tt.want {
				t.Errorf("got %+v, want %s", a, tt.want)
			}
		})
	}
}
