// Command reverseproxy is Go's httputil.ReverseProxy behind TLS, tuned, with
// a check of the Authorization header, the same rewriting of prefix and
// headers and the same access log as the other peers that bench measures. It
// is a program of its own so that it has nothing else in memory.
package main

import (
	"bufio"
	"crypto/sha256"
	"flag"
	"fmt"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8443", "address")
	cert := flag.String("cert", "", "PEM file of the certificate")
	key := flag.String("key", "", "PEM file of its key")
	tokenFile := flag.String("token-file", "", "file of the token that is accepted")
	prefix := flag.String("prefix", "", "path before the name of a backend")
	logFile := flag.String("log", "access.log", "access log")
	flag.Parse() // the rest is NAME=HOST:PORT of backends
	token, err := os.ReadFile(*tokenFile)
	if err != nil {
		log.Fatal(err)
	}
	lines, err := newAccessLog(*logFile)
	if err != nil {
		log.Fatal(err)
	}
	backends := map[string]string{}
	for _, argument := range flag.Args() {
		name, address, _ := strings.Cut(argument, "=")
		backends[name] = address
	}
	server := &http.Server{
		Addr: *listen, ReadHeaderTimeout: time.Minute,
		Handler: handler(sha256.Sum256(token), *prefix, backends, lines),
	}
	log.Fatal(server.ListenAndServeTLS(*cert, *key))
}

// handler checks the token, finds the backend and proxies to it.
func handler(token [32]byte, prefix string, backends map[string]string, lines *accessLog) http.Handler {
	find := func(path string) (address, rest string) {
		name, rest, ok := strings.Cut(strings.TrimPrefix(path, prefix), "/proxy/")
		if !ok {
			return "", ""
		}
		return backends[name], "/" + rest
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			address, rest := find(r.In.URL.Path)
			r.Out.URL = &url.URL{Scheme: "http", Host: address, Path: rest, RawQuery: r.In.URL.RawQuery}
			r.Out.Header.Del("Authorization")
			r.SetXForwarded()
		},
		Transport: &http.Transport{
			MaxIdleConns: 4096, MaxIdleConnsPerHost: 256, IdleConnTimeout: 90 * time.Second,
			DisableCompression: true, WriteBufferSize: 16 << 10, ReadBufferSize: 16 << 10,
		},
		BufferPool: newBuffers(),
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun := time.Now()
		said, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if sha256.Sum256([]byte(said)) != token {
			http.Error(w, "unauthorized", http.StatusUnauthorized)
			return
		}
		if address, _ := find(r.URL.Path); address == "" {
			http.NotFound(w, r)
			return
		}
		counted := &counter{ResponseWriter: w}
		proxy.ServeHTTP(counted, r)
		lines.write(begun, r, counted)
	})
}

// counter remembers what was answered.
type counter struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (c *counter) WriteHeader(status int) {
	c.status = status
	c.ResponseWriter.WriteHeader(status)
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.ResponseWriter.Write(p)
	c.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController flush and hijack.
func (c *counter) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// accessLog writes lines through a buffer of 64 KiB, as nginx's does.
type accessLog struct {
	mu  sync.Mutex
	out *bufio.Writer
}

func newAccessLog(path string) (*accessLog, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	return &accessLog{out: bufio.NewWriterSize(file, 64<<10)}, nil
}

func (l *accessLog) write(begun time.Time, r *http.Request, c *counter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, err := fmt.Fprintf(l.out, "%s %s %s %d %d %d\n", begun.UTC().Format(time.RFC3339), r.Method, r.RequestURI,
		c.status, c.bytes, time.Since(begun).Microseconds()); err != nil {
		log.Print(err)
	}
}

// buffers are those of 64 KiB that bodies are copied through.
type buffers struct{ pool sync.Pool }

func newBuffers() *buffers {
	return &buffers{sync.Pool{New: func() any { return new([64 << 10]byte) }}}
}

// Get implements [httputil.BufferPool].
func (b *buffers) Get() []byte { return b.pool.Get().(*[64 << 10]byte)[:] }

// Put implements [httputil.BufferPool].
func (b *buffers) Put(p []byte) { b.pool.Put((*[64 << 10]byte)(p)) }
