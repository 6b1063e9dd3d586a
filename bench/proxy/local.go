package proxy

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1 "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// localName is `causeway proxy`.
const localName = "causeway proxy"

// localCases are the loads of Options.Local.
func localCases() []caseOf {
	return []caseOf{
		{
			name: "h1", title: "local, a service, 1 KiB, 32 connections", warm: time.Second,
			load: wrk(32, "web", "1k", 0), size: smallSize, inFlight: 32,
		},
		{
			name: "object", title: "local, a ConfigMap of the API, 32 connections", warm: time.Second,
			load: wrkPath(32, watchedPath), size: smallSize, inFlight: 32,
		},
		{
			name: "down", title: "local, 10 MiB downloads, 8 connections", warm: time.Second,
			load: wrk(8, "web", "10m", 0), size: largeSize, inFlight: 8, carried: largeSize,
		},
		{
			name: "watch", title: fmt.Sprintf("local, %d watches of one object", watches), warm: time.Second,
			load: watch, size: smallSize, counted: "events",
		},
	}
}

// startLocal starts `causeway proxy` before the API server.
func (b *bench) startLocal(ctx context.Context) (*subject, error) {
	return b.startLocalProxy(ctx, localName, localCauseway, "proxy")
}

// startKubectl starts kubectl's own proxy, of the same release of Go.
func (b *bench) startKubectl(ctx context.Context) (*subject, error) {
	return b.startLocalProxy(ctx, LocalReference, localKubectl, "kubectl", "proxy")
}

func (b *bench) startLocalProxy(ctx context.Context, name, address string, command ...string) (*subject, error) {
	file, err := b.localKubeconfig()
	if err != nil {
		return nil, err
	}
	args := append(command, "--kubeconfig", file, "--port", address[len("127.0.0.1:"):])
	s, err := b.startServer(ctx, name, listening(address), b.Program, args...)
	if err != nil {
		return nil, err
	}
	return &subject{name: name, scheme: "http", address: address, server: s}, nil
}

// localKubeconfig writes the kubeconfig of the user who may reach the services.
func (b *bench) localKubeconfig() (string, error) {
	config := clientcmdapi.NewConfig()
	config.Clusters["bench"] = &clientcmdapi.Cluster{Server: "https://" + causewayAddress, CertificateAuthorityData: b.admin.CAData}
	config.AuthInfos["bench"] = &clientcmdapi.AuthInfo{Token: b.token}
	config.Contexts["bench"] = &clientcmdapi.Context{Cluster: "bench", AuthInfo: "bench"}
	config.CurrentContext = "bench"
	file := filepath.Join(b.Dir, "local.kubeconfig")
	return file, clientcmd.WriteToFile(*config, file)
}

// localNginxConfig adds the token, as a local proxy does.
const localNginxConfig = `daemon off;
master_process off; # one worker
pid local-nginx.pid;
error_log stderr error;
worker_rlimit_nofile 20000;
events { worker_connections 10000; }
http {
	access_log off;
	keepalive_requests 1000000000;
	keepalive_timeout 1h;
	upstream api {
		server %s;
		keepalive 256;
		keepalive_requests 1000000000;
		keepalive_timeout 1h;
	}
	server {
		listen %s backlog=4096;
		proxy_ssl_verify on;
		proxy_ssl_name localhost; # it takes names alone
		proxy_ssl_trusted_certificate %s;
		proxy_http_version 1.1;
		proxy_set_header Connection "";
		proxy_set_header Authorization "Bearer %s";
		proxy_buffer_size 64k;
		proxy_buffers 16 64k;
		proxy_busy_buffers_size 128k;
		proxy_max_temp_file_size 0;
		proxy_read_timeout 1h;
		location / { proxy_pass https://api; }
		location /api/v1/namespaces/default/configmaps {
			proxy_pass https://api;
			proxy_buffering off; # events as they come
		}
	}
}
`

func (b *bench) startLocalNginx(ctx context.Context) (*subject, error) {
	authority, err := b.writeConfig("authority.crt", string(b.admin.CAData))
	if err != nil {
		return nil, err
	}
	path, err := b.writeConfig("local-nginx.conf", fmt.Sprintf(localNginxConfig, causewayAddress, localNginx, authority, b.token))
	if err != nil {
		return nil, err
	}
	s, err := b.startServer(ctx, "local nginx", listening(localNginx), "nginx", "-e", "stderr", "-p", b.Dir, "-c", path)
	if err != nil {
		return nil, err
	}
	return &subject{name: "nginx", scheme: "http", address: localNginx, server: s}, nil
}

// checkLocal makes the object that is watched, and returns an error unless the
// subject serves it and the right bytes of the service.
func (b *bench) checkLocal(ctx context.Context, s *subject) error {
	client, err := kubernetes.NewForConfig(b.admin)
	if err != nil {
		return err
	}
	object := corev1.ConfigMap(watchedName, "default").WithData(map[string]string{"content": string(b.files["1k"])})
	if _, err := client.CoreV1().ConfigMaps("default").Apply(ctx, object, metav1.ApplyOptions{FieldManager: "bench"}); err != nil {
		return err
	}
	for name, want := range b.files {
		_, body, err := s.do(ctx, http.DefaultClient, http.MethodGet, s.url("web", name), nil)
		if err != nil {
			return err
		}
		if !bytes.Equal(body, want) {
			return fmt.Errorf("%s was answered with %d bytes that are not those of the file", name, len(body))
		}
	}
	_, body, err := s.do(ctx, http.DefaultClient, http.MethodGet, s.at(watchedPath), nil)
	if err != nil {
		return err
	}
	var got struct{ Data map[string]string }
	if err := json.Unmarshal(body, &got); err != nil || got.Data["content"] != string(b.files["1k"]) {
		return fmt.Errorf("the API's object came as %.100q: %w", body, err)
	}
	return nil
}
