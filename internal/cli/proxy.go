package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/causeway-access/causeway/internal/engine"
	"github.com/causeway-access/causeway/internal/localproxy"
)

const (
	defaultProxyPort = 8001
	// proxyGrace is how long requests may go on after the end was asked for.
	proxyGrace = 2 * time.Second
)

// proxyFlags are those of kubectl proxy, and ours.
type proxyFlags struct {
	localproxy.Config
	filter        localproxy.Filter
	servers       []string
	address       string
	unixSocket    string
	port          int
	disableFilter bool
	names         bool
	verbose       bool
	socks5        bool
}

// newProxy serves the API on this machine.
func newProxy(streams genericiooptions.IOStreams) *cobra.Command {
	var f proxyFlags
	connection := newConnection()
	c := &cobra.Command{
		Use:   "proxy",
		Short: "Serve the API on this machine without credentials",
		Long: `Serve the cluster's API on a local port, with your credentials added to each
request. Whoever reaches the port acts as you, so it listens on 127.0.0.1 and
[::1] only, and refuses requests made to other host names or by pages of other
sites.

Where a cluster has several API servers, name them with --server; those that the
cluster itself names are found. Each is asked for its health, requests go to the
one that is least busy, and what a dying one did not answer is asked of another.
http://localhost:8001/-/status shows what is known of them.

Web applications have names, under which each is at the root of an origin of its
own; browsers resolve them to this machine:

  http://SERVICE.NAMESPACE.localhost:8001/
  http://PORT--SERVICE.NAMESPACE.localhost:8001/
  http://https.SERVICE.NAMESPACE.localhost:8001/     spoken to by https
  http://POD.pod.NAMESPACE.localhost:8001/
  http://NODE.node.localhost:8001/

http://localhost:8001/ in a browser lists the services.`,
		Example: `  causeway proxy --port=8080
  curl http://localhost:8080/api/
  curl http://localhost:8080/api/v1/namespaces/default/services/echo/proxy/
  curl http://echo.default.localhost:8080/     # the same, at the root of a name
  causeway proxy --port=0                      # any free port; it is printed
  causeway proxy --unix-socket=/run/user/1000/causeway.sock
  causeway proxy --server=https://10.0.0.1:6443 --server=https://10.0.0.2:6443`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("port") && f.unixSocket != "" {
				return usagef("--port and --unix-socket exclude each other")
			}
			return runProxy(cmd.Context(), streams, &f, connection)
		},
	}
	f.addTo(c)
	api := connection.APIServer
	connection.APIServer = nil // --server is ours: it may be repeated
	addConnection(c, connection)
	connection.APIServer = api
	return c
}

func (f *proxyFlags) addTo(c *cobra.Command) {
	f.filter = localproxy.Filter{}
	set := c.Flags()
	set.IntVarP(&f.port, "port", "p", defaultProxyPort, "port to listen on; 0 takes any free one, which is printed")
	set.StringVar(&f.address, "address", "127.0.0.1", "address to listen on")
	set.StringVarP(&f.unixSocket, "unix-socket", "u", "", "listen on this socket instead")
	patterns := func(at *localproxy.Patterns, name, value, usage string) {
		set.Var(newPatterns(at, value), name, usage)
	}
	patterns(&f.filter.AcceptHosts, "accept-hosts", localproxy.DefaultAcceptHosts, "regular expressions, comma-separated, of hosts that requests may be made to")
	patterns(&f.filter.AcceptPaths, "accept-paths", localproxy.DefaultAcceptPaths, "regular expressions of paths that are served")
	patterns(&f.filter.RejectPaths, "reject-paths", localproxy.DefaultRejectPaths, "regular expressions of paths that are refused though accepted")
	patterns(&f.filter.RejectMethods, "reject-methods", localproxy.DefaultRejectMethods, "regular expressions of methods that are refused (as in --reject-methods=POST,PUT,PATCH)")
	set.BoolVar(&f.disableFilter, "disable-filter", false, "refuse nothing: any web page that you visit may then act as you")
	set.StringVarP(&f.StaticDir, "www", "w", "", "directory to serve files from as well")
	set.StringVarP(&f.StaticPrefix, "www-prefix", "P", "/static/", "path under which those files are served")
	set.StringVar(&f.APIPrefix, "api-prefix", "/", "path under which the API is served")
	set.BoolVar(&f.AppendServerPath, "append-server-path", false, "put the path of the server's URL before that of each request")
	set.DurationVar(&f.KeepAlive, "keepalive", 0, "TCP keep-alive period; 0 is the system's")
	set.StringArrayVarP(&f.servers, "server", "s", nil, "URL of the API server; may be repeated for several of one cluster")
	set.BoolVar(&f.names, "names", true, "serve applications at SERVICE.NAMESPACE.localhost")
	set.BoolVar(&f.Discover, "discover-servers", true, "also use the API servers that the cluster names in the endpoints of default/kubernetes")
	set.BoolVar(&f.socks5, "socks5", false, "also be a SOCKS5 proxy, on the same port")
	set.BoolVar(&f.verbose, "verbose", false, "tell on stderr of API servers that come and go")
}

// patternsFlag is a flag of comma-separated regular expressions.
type patternsFlag struct {
	at   *localproxy.Patterns
	text string
}

func newPatterns(at *localproxy.Patterns, value string) *patternsFlag {
	f := &patternsFlag{at: at}
	if err := f.Set(value); err != nil {
		panic(err) // the default is a constant
	}
	return f
}

func (f *patternsFlag) String() string { return f.text }
func (f *patternsFlag) Type() string   { return "regexps" }

func (f *patternsFlag) Set(text string) error {
	p, err := localproxy.ParsePatterns(text)
	if err == nil {
		*f.at, f.text = p, text
	}
	return err
}

// runProxy serves until it is interrupted.
func runProxy(ctx context.Context, streams genericiooptions.IOStreams, f *proxyFlags, connection *genericclioptions.ConfigFlags) error {
	ctx, stop := untilInterrupted(ctx)
	defer stop()
	if err := f.connect(connection); err != nil {
		return err
	}
	f.warn(streams.ErrOut)
	if !f.disableFilter {
		f.Filter = &f.filter
	}
	if f.verbose {
		f.Log = slog.New(slog.NewTextHandler(streams.ErrOut, nil))
	}
	proxy, err := localproxy.New(f.Config)
	if err != nil {
		return err
	}
	defer proxy.Close()
	listeners, err := f.listen()
	if err != nil {
		return err
	}
	if f.socks5 {
		for i, l := range listeners {
			listeners[i] = proxy.WithSOCKS(l)
		}
	}
	fmt.Fprintf(streams.Out, "Starting to serve on %s\n", listeners[0].Addr())
	return serveAll(ctx, engine.New(&http.Server{Handler: proxy, ReadHeaderTimeout: time.Minute}), listeners)
}

// connect reads the kubeconfig.
func (f *proxyFlags) connect(connection *genericclioptions.ConfigFlags) error {
	if len(f.servers) > 0 {
		*connection.APIServer = f.servers[0]
		f.Servers = f.servers[1:]
	}
	var err error
	if f.REST, err = restConfig(connection); err != nil {
		return err
	}
	f.NoNames = !f.names
	f.Namespace, _, err = connection.ToRawKubeConfigLoader().Namespace()
	return err
}

// warn tells of what makes the proxy less safe, in as many words as kubectl.
func (f *proxyFlags) warn(out io.Writer) {
	switch {
	case f.disableFilter && f.unixSocket == "":
		fmt.Fprintln(out, "warning: --disable-filter: any web page that you visit may act as you")
	case !f.disableFilter && (len(f.filter.RejectPaths) == 0 || len(f.filter.RejectMethods) == 0):
		fmt.Fprintln(out, "warning: the filter was relaxed: web pages that you visit may be able to act as you")
	}
}

func (f *proxyFlags) listen() ([]net.Listener, error) {
	if f.unixSocket == "" {
		return localproxy.Listen(f.address, f.port)
	}
	l, err := localproxy.ListenUnix(f.unixSocket)
	return []net.Listener{l}, err
}

// serveAll serves on all listeners until ctx ends or one fails, and lets
// running requests end.
func serveAll(ctx context.Context, server *engine.Server, listeners []net.Listener) error {
	failed := make(chan error, len(listeners))
	for _, l := range listeners {
		go func() { failed <- server.Serve(l) }()
	}
	select {
	case err := <-failed:
		return errors.Join(err, server.Close())
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), proxyGrace)
	defer cancel()
	if server.Shutdown(grace) != nil { // watches have no end of their own
		return server.Close()
	}
	return nil
}
