package proxy

import (
	"context"
	"fmt"
	"strings"
)

// haproxyConfig does what nginxConfig does. The access log goes to a ring in
// memory that a file stands behind: HAProxy has no log file of its own.
const haproxyConfig = `global
	nbthread 1
	maxconn 18000
	no strict-limits # idle connections need one descriptor, not two
	log ring@access format raw local0
	ssl-default-bind-options ssl-min-ver TLSv1.2
	tune.ssl.cachesize 100000
	tune.bufsize 65536

ring access
	format raw
	size 8388608
	backing-file %s

defaults
	mode http
	log global
	option httplog
	option forwardfor
	timeout connect 10s
	timeout client 1h
	timeout server 1h
	timeout tunnel 1h
	timeout http-keep-alive 1h
	timeout http-request 1m

frontend tls
	bind %s ssl crt %s alpn h2,http/1.1 backlog 4096
	http-request deny deny_status 401 unless { req.hdr(Authorization) -m str "Bearer %s" }
	http-request del-header Authorization
	http-request set-header X-Forwarded-Host %%[req.hdr(Host)]
	http-request set-header X-Forwarded-Proto https
	http-request set-header X-Forwarded-Uri %%[pathq]
%s
%s`

func (b *bench) startHAProxy(ctx context.Context) (*subject, error) {
	var rules, backends strings.Builder
	for name, port := range backendPorts() {
		path := prefix + name + "/proxy"
		fmt.Fprintf(&rules, "\tacl %s path_beg %s/\n", name, path)
		fmt.Fprintf(&rules, "\tuse_backend %s if %s\n", name, name)
		fmt.Fprintf(&backends, "backend %s\n\thttp-reuse always\n\thttp-request set-header X-Forwarded-Prefix %s\n"+
			"\thttp-request set-path %%[path,bytes(%d)]\n\tserver %s %s pool-max-conn 256\n\n", name, path, len(path), name, backend(port))
	}
	path, err := b.writeConfig("haproxy.cfg", fmt.Sprintf(haproxyConfig, "haproxy.access.log", haproxyAddress, bothFile, b.token, &rules, &backends))
	if err != nil {
		return nil, err
	}
	s, err := b.startServer(ctx, "haproxy", listening(haproxyAddress), "haproxy", "-db", "-f", path)
	if err != nil {
		return nil, err
	}
	return b.peer("haproxy", haproxyAddress, s), nil
}
