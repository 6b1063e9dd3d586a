package cli

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/causeway-access/causeway/internal/echo"
)

func newEcho(streams genericiooptions.IOStreams) *cobra.Command {
	var cfg echo.Config
	var certFile, keyFile string
	c := &cobra.Command{
		Use:   "echo",
		Short: "Run a small server that answers with the request it got",
		Long: `Run a server to try things with. It answers each HTTP request with what arrived,
as JSON or, if the client accepts text/plain, as text, and names the pod it runs
in (from POD_NAME and POD_NAMESPACE, else the host's name). Some paths do
something else: /help lists them (statuses, redirects, cookies, streams,
server-sent events, trailers, a WebSocket, a page).

It speaks HTTP/1.1, HTTP/2 and WebSocket; TCP and UDP echo come with their flags.
It has no authentication: everybody who reaches the address is answered.`,
		Example: `  causeway echo --listen :8080
  curl http://localhost:8080/hello?a=b
  causeway echo --listen 127.0.0.1:8443 --tls          # HTTPS, with a certificate of its own
  causeway echo --listen "" --tcp :7000 --udp :7000    # no HTTP`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if cfg.Certificate, err = loadCertificate(certFile, keyFile); err != nil {
				return err
			}
			cfg.TLS = cfg.TLS || cfg.Certificate != nil
			cfg.Pod, cfg.Namespace = podFromEnvironment()
			return runEcho(cmd.Context(), streams.Out, cfg)
		},
	}
	f := c.Flags()
	f.StringVar(&cfg.HTTP, "listen", ":8080", `host:port for HTTP and WebSocket; "" turns them off, port 0 takes any free port`)
	f.BoolVar(&cfg.TLS, "tls", false, "serve HTTPS, with a certificate made at start unless --tls-cert-file names one")
	f.StringVar(&certFile, "tls-cert-file", "", "PEM file of the certificate to serve HTTPS with")
	f.StringVar(&keyFile, "tls-private-key-file", "", "PEM file of its key")
	f.StringVar(&cfg.TCP, "tcp", "", "host:port for TCP echo (RFC 862)")
	f.StringVar(&cfg.UDP, "udp", "", "host:port for UDP echo (RFC 862)")
	return c
}

// loadCertificate reads the pair if it is given.
func loadCertificate(certFile, keyFile string) (*tls.Certificate, error) {
	if certFile == "" && keyFile == "" {
		return nil, nil
	}
	if certFile == "" || keyFile == "" {
		return nil, usagef("--tls-cert-file and --tls-private-key-file go together")
	}
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, fmt.Errorf("load the certificate: %w", err)
	}
	return &pair, nil
}

// podFromEnvironment is the pod's name and namespace as the downward API gives
// them; outside of a pod the host's name.
func podFromEnvironment() (pod, namespace string) {
	pod, namespace = os.Getenv("POD_NAME"), os.Getenv("POD_NAMESPACE")
	if pod == "" {
		pod, _ = os.Hostname() // an echo without a name still echoes
	}
	return pod, namespace
}

// runEcho says where it listens and serves until it is interrupted.
func runEcho(ctx context.Context, out io.Writer, cfg echo.Config) error {
	ctx, stop := untilInterrupted(ctx)
	defer stop()
	s, err := echo.Listen(cfg)
	if err != nil {
		return fmt.Errorf("start the echo server: %w", err)
	}
	if url := s.URL(); url != "" {
		fmt.Fprintf(out, "echo: HTTP and WebSocket on %s\n", url)
	}
	if addr := s.TCPAddr(); addr != "" {
		fmt.Fprintf(out, "echo: TCP on %s\n", addr)
	}
	if addr := s.UDPAddr(); addr != "" {
		fmt.Fprintf(out, "echo: UDP on %s\n", addr)
	}
	return s.Serve(ctx)
}
