package gateway

import (
	"bytes"
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// An attacker who keeps to the number of streams, so that the library sees
// nothing wrong, takes back one request after another until he is cut off.
func TestOneWhoTakesBackEveryRequestIsCutOff(t *testing.T) {
	registry := prometheus.NewRegistry()
	guard, err := NewResetGuard(registry.Register)
	if err != nil {
		t.Fatal(err)
	}
	guard.window = time.Hour // on whatever machine
	begun, over := make(chan struct{}, 1), make(chan struct{}, 1)
	var served atomic.Int64
	guarded := guard.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		served.Add(1)
		begun <- struct{}{}
		<-r.Context().Done()
	}))
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		guarded.ServeHTTP(w, r)
		over <- struct{}{} // once it is counted
	}))
	server.EnableHTTP2, server.Config.ConnContext = true, guard.ConnContext
	server.StartTLS()
	defer server.Close()

	c, err := tls.Dial("tcp", server.Listener.Addr().String(), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{http2.NextProtoTLS}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(time.Minute))
	ended := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, c)
		ended <- err
	}()
	io.WriteString(c, http2.ClientPreface)
	out := http2.NewFramer(c, nil)
	if err := out.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for stream := uint32(1); stream < 4*maxResets; stream += 2 {
		block.Reset()
		for _, f := range [][2]string{{":method", "GET"}, {":scheme", "https"}, {":authority", "h"}, {":path", "/"}} {
			encoder.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]})
		}
		if out.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: block.Bytes(), EndHeaders: true, EndStream: true}) != nil {
			break
		}
		select { // once it is begun
		case <-begun:
		case err := <-ended:
			ended <- err
		}
		if out.WriteRSTStream(stream, http2.ErrCodeCancel) != nil {
			break
		}
		select {
		case <-over:
		case err := <-ended:
			ended <- err
		}
	}
	if n := served.Load(); n != maxResets {
		t.Errorf("%d requests were begun, want %d and then none", n, maxResets)
	}
	if families, err := registry.Gather(); err != nil || families[0].GetMetric()[0].GetCounter().GetValue() != 1 {
		t.Errorf("metrics: %v, %v; want one connection ended", families, err)
	}
}
