package proxy

import (
	"context"
	"fmt"
)

// startReverseProxy starts the program in bench/reverseproxy.
func (b *bench) startReverseProxy(ctx context.Context) (*subject, error) {
	token, err := b.writeConfig("token", b.token)
	if err != nil {
		return nil, err
	}
	args := []string{
		"-listen", reverseProxyAddress, "-cert", certFile, "-key", keyFile,
		"-token-file", token, "-prefix", prefix, "-log", "httputil.access.log",
	}
	for name, port := range backendPorts() {
		args = append(args, fmt.Sprintf("%s=%s", name, backend(port)))
	}
	s, err := b.startServer(ctx, "httputil", listening(reverseProxyAddress), b.ReverseProxy, args...)
	if err != nil {
		return nil, err
	}
	return b.peer("httputil", reverseProxyAddress, s), nil
}
