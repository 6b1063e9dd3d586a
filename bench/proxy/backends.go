package proxy

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// Sizes of what is fetched and sent, in bytes.
const (
	smallSize = 1 << 10
	largeSize = 10 << 20
)

// Ports of the backends. The names are those of the services.
const (
	webPort  = 8081 // nginx with static files
	sinkPort = 8082 // takes uploads
	echoPort = 8083 // causeway echo: WebSocket, and the request as it arrived
)

func backendPorts() map[string]int {
	return map[string]int{"web": webPort, "sink": sinkPort, "echo": echoPort}
}

func backend(port int) string { return fmt.Sprintf("%s:%d", backendAddress, port) }

// webConfig is of the nginx that serves the files, from the page cache.
const webConfig = `daemon off;
master_process off;
pid web.pid;
error_log stderr error;
worker_rlimit_nofile 16384;
events { worker_connections 8192; }
http {
	access_log off;
	sendfile on;
	tcp_nopush on;
	open_file_cache max=16 inactive=1h;
	default_type application/octet-stream;
	keepalive_requests 1000000000;
	keepalive_timeout 1h;
	server {
		listen %s backlog=4096;
		root files;
	}
}
`

// startBackends starts what the services stand for.
func (b *bench) startBackends(ctx context.Context) error {
	files := filepath.Join(b.Dir, "files")
	if err := os.MkdirAll(files, 0o755); err != nil {
		return err
	}
	b.files = map[string][]byte{"1k": noise(smallSize), "10m": noise(largeSize)}
	for name, content := range b.files {
		if err := os.WriteFile(filepath.Join(files, name), content, 0o644); err != nil {
			return err
		}
	}
	web, err := b.writeConfig("web.conf", fmt.Sprintf(webConfig, backend(webPort)))
	if err != nil {
		return err
	}
	if _, err := b.startServer(ctx, "web", listening(backend(webPort)), "nginx", "-e", "stderr", "-p", b.Dir, "-c", web); err != nil {
		return err
	}
	if _, err := b.startServer(ctx, "sink", listening(backend(sinkPort)), b.Sink, "-listen", backend(sinkPort)); err != nil {
		return err
	}
	_, err = b.startServer(ctx, "echo", listening(backend(echoPort)), b.Program, "echo", "--listen", backend(echoPort))
	return err
}

// writeConfig writes a configuration and returns its path.
func (b *bench) writeConfig(name, text string) (string, error) {
	path := filepath.Join(b.Dir, name)
	return path, os.WriteFile(path, []byte(text), 0o600)
}

// noise is content that nothing can compress, and every run has again.
func noise(size int) []byte {
	var seed [32]byte
	copy(seed[:], "causeway bench")
	var content bytes.Buffer
	random := rand.NewChaCha8(seed)
	for content.Len() < size {
		fmt.Fprintf(&content, "%016x", random.Uint64())
	}
	return content.Bytes()[:size]
}
