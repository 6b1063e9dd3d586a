package h2_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/causeway-access/causeway/internal/engine/h2"
)

// script is what a client may send behind the preface.
func script(write func(*http2.Framer, func(...string) []byte)) []byte {
	var out, block bytes.Buffer
	fr, enc := http2.NewFramer(&out, nil), hpack.NewEncoder(&block)
	fr.AllowIllegalWrites = true
	_ = fr.WriteSettings()
	write(fr, func(fields ...string) []byte {
		block.Reset()
		for i := 0; i < len(fields); i += 2 {
			_ = enc.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]})
		}
		return bytes.Clone(block.Bytes())
	})
	return out.Bytes()
}

func scripts() [][]byte {
	open := func(fr *http2.Framer, id uint32, end bool, block []byte) {
		_ = fr.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: block, EndStream: end, EndHeaders: true})
	}
	return [][]byte{
		script(func(fr *http2.Framer, encode func(...string) []byte) { open(fr, 1, true, encode(head()...)) }),
		script(func(fr *http2.Framer, encode func(...string) []byte) {
			for id := uint32(1); id < 60; id += 2 {
				open(fr, id, false, encode(head(":method", "POST", "content-length", "8", "trailer", "a")...))
				_ = fr.WriteDataPadded(id, false, []byte("body"), make([]byte, 3))
				_ = fr.WriteData(id, false, []byte("body"))
				open(fr, id, true, encode("a", "b"))
			}
		}),
		script(func(fr *http2.Framer, encode func(...string) []byte) {
			_ = fr.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 10}, http2.Setting{ID: http2.SettingHeaderTableSize, Val: 0})
			open(fr, 1, true, encode(head(":path", "/long")...))
			open(fr, 3, true, encode(head(":path", "/panic")...))
			open(fr, 5, true, encode(head(":path", "/flush", ":method", "HEAD")...))
			_ = fr.WriteWindowUpdate(1, 100)
			_ = fr.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1})
			_ = fr.WriteWindowUpdate(0, 1<<30)
			_ = fr.WriteWindowUpdate(1, 1<<30)
			_ = fr.WritePing(false, [8]byte{1})
			_ = fr.WriteRSTStream(3, http2.ErrCodeCancel)
		}),
		script(func(fr *http2.Framer, encode func(...string) []byte) {
			block := encode(head("x", "y")...)
			_ = fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block[:3], EndStream: true, PadLength: 7, Priority: http2.PriorityParam{StreamDep: 1, Weight: 3}})
			_ = fr.WriteContinuation(1, false, block[3:5])
			_ = fr.WriteContinuation(1, true, block[5:])
			_ = fr.WriteGoAway(0, http2.ErrCodeNo, []byte("bye"))
			_ = fr.WriteRawFrame(0x10, 0, 0, []byte("u=1"))
			_ = fr.WritePriority(9, http2.PriorityParam{})
		}),
		script(func(fr *http2.Framer, encode func(...string) []byte) {
			open(fr, 1, false, encode(":method", "CONNECT", ":protocol", "websocket", ":scheme", "https", ":path", "/flush", ":authority", "a"))
			_ = fr.WriteData(1, false, []byte("frame"))
			_ = fr.WriteData(1, true, nil)
			open(fr, 3, true, encode(":method", "OPTIONS", ":scheme", "https", ":path", "*"))
			open(fr, 5, false, encode(head("expect", "100-continue", "connection", "close")...))
			_ = fr.WriteWindowUpdate(5, 0)
		}),
	}
}

// fuzzed does, by the request's path, what handlers do.
func fuzzed(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/panic":
		panic(http.ErrAbortHandler)
	case "/long":
		_, _ = w.Write(make([]byte, 200<<10))
	case "/flush":
		w.Header().Set("Trailer", "T")
		_ = http.NewResponseController(w).Flush()
		w.Header().Set("T", "1")
	}
	n, err := io.Copy(w, r.Body)
	_, _ = fmt.Fprintln(w, n, err, r.Header, r.Trailer)
}

// FuzzConn has a client send anything behind the preface, and leave. Nothing
// may panic, wait for ever, or be left running.
func FuzzConn(f *testing.F) {
	for _, s := range scripts() {
		f.Add(s, uint16(0))
		f.Add(s, uint16(7))
	}
	f.Fuzz(func(t *testing.T, sent []byte, piece uint16) {
		s := h2.New(h2.Config{
			Handler:    http.HandlerFunc(fuzzed),
			MaxStreams: 8, MaxHeaderBytes: 4 << 10, StreamBuffer: 1 << 10, ConnBuffer: 64 << 10,
			ExtendedConnect: true, IdleTimeout: time.Hour, WriteTimeout: time.Hour,
		})
		c, other := net.Pipe()
		over := make(chan struct{})
		go func() {
			defer close(over)
			s.ServeConn(t.Context(), other, nil)
		}()
		read := make(chan struct{})
		go func() {
			defer close(read)
			checkFrames(t, c)
		}()
		all := append([]byte(http2.ClientPreface), sent...)
		for len(all) > 0 {
			n := len(all)
			if piece > 0 {
				n = min(n, int(piece))
			}
			if _, err := c.Write(all[:n]); err != nil {
				break
			}
			all = all[n:]
		}
		_ = c.Close()
		<-over
		<-read // and TestMain looks for goroutines that have not ended
	})
}

// checkFrames reads what the server sends, which are frames.
func checkFrames(t *testing.T, c net.Conn) {
	fr := http2.NewFramer(nil, c)
	fr.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	for {
		_, err := fr.ReadFrame()
		switch err.(type) { //nolint:errorlint // the framer does not wrap them
		case nil:
		case http2.StreamError, http2.ConnectionError:
			t.Errorf("the server has sent what is none: %v", err)
		default:
			_, _ = io.Copy(io.Discard, c)
			return
		}
	}
}
