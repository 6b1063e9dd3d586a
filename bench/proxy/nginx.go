package proxy

import (
	"context"
	"fmt"
	"strings"
)

// nginxConfig does what Causeway does, as far as nginx can: TLS, a check of
// the Authorization header, the prefix taken away, X-Forwarded-*, kept
// connections to backends, upgrades, an access log that is written in batches.
// Buffers of 64 KiB double what the default ones carry.
const nginxConfig = `daemon off;
master_process off; # one worker
pid nginx.pid;
error_log stderr error;
worker_rlimit_nofile 20000;
events { worker_connections 20000; }
http {
	access_log nginx.access.log combined buffer=64k flush=1s;
	keepalive_requests 1000000000;
	keepalive_timeout 1h;
	ssl_session_cache shared:tls:10m;
	client_body_buffer_size 64k;
	client_max_body_size 0;
	map $http_authorization $allowed {
		default 0;
		"Bearer %s" 1;
	}
	map $http_upgrade $connection_header {
		default upgrade;
		"" "";
	}
%s	server {
		listen %s ssl http2 backlog=4096;
		ssl_certificate %s;
		ssl_certificate_key %s;
		ssl_protocols TLSv1.2 TLSv1.3;
%s	}
}
`

const nginxUpstream = `	upstream %s {
		server %s;
		keepalive 256;
		keepalive_requests 1000000000;
		keepalive_timeout 1h;
	}
`

const nginxLocation = `		location %s {
			if ($allowed = 0) { return 401; }
			proxy_pass http://%s/;
			proxy_http_version 1.1;
			proxy_set_header Connection $connection_header;
			proxy_set_header Upgrade $http_upgrade;
			proxy_set_header Host $http_host;
			proxy_set_header Authorization "";
			proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
			proxy_set_header X-Forwarded-Host $http_host;
			proxy_set_header X-Forwarded-Proto $scheme;
			proxy_set_header X-Forwarded-Uri $request_uri;
			proxy_set_header X-Forwarded-Prefix %s;
			proxy_request_buffering off;
			proxy_buffer_size 64k;
			proxy_buffers 16 64k;
			proxy_busy_buffers_size 128k;
			proxy_max_temp_file_size 0;
			proxy_read_timeout 1h;
		}
`

func (b *bench) startNginx(ctx context.Context) (*subject, error) {
	var upstreams, locations strings.Builder
	for name, port := range backendPorts() {
		path := prefix + name + "/proxy"
		fmt.Fprintf(&upstreams, nginxUpstream, name, backend(port))
		fmt.Fprintf(&locations, nginxLocation, path+"/", name, path)
	}
	path, err := b.writeConfig("nginx.conf", fmt.Sprintf(nginxConfig, b.token, &upstreams, nginxAddress, certFile, keyFile, &locations))
	if err != nil {
		return nil, err
	}
	s, err := b.startServer(ctx, "nginx", listening(nginxAddress), "nginx", "-e", "stderr", "-p", b.Dir, "-c", path)
	if err != nil {
		return nil, err
	}
	return b.peer("nginx", nginxAddress, s), nil
}

// peer is the subject of a proxy that is not Causeway.
func (b *bench) peer(name, address string, s *server) *subject {
	p := &subject{name: name, address: address, server: s, roots: b.roots}
	p.request.Authorization = "Bearer " + b.token
	return p
}
