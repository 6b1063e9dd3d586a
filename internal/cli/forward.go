package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/causeway-access/causeway/internal/conn"
	"github.com/causeway-access/causeway/internal/localproxy"
	"github.com/causeway-access/causeway/internal/portforward"
)

// forwardFlags are those of forward.
type forwardFlags struct {
	localproxy.Config
	servers   []string
	addresses []string
	verbose   bool
}

// newForward makes ports of services and pods local ones.
func newForward(streams genericiooptions.IOStreams) *cobra.Command {
	var f forwardFlags
	connection := newConnection()
	c := &cobra.Command{
		Use:   "forward TYPE/NAME [LOCAL_PORT:]PORT...",
		Short: "Make a port of a service or pod a local one",
		Long: `Listen on local ports and pass each connection on to a port of a service, a pod,
or a deployment's pods. TYPE is svc, pod, deploy, rs, sts or ds; PORT is the
service's port for a service, else the pod's.

An endpoint that is ready is picked for each connection anew, so that the local
port outlives pods that restart and API servers that fail. What becomes of a
connection that cannot be made is told on stderr.`,
		Example: `  causeway forward svc/db 5432                 # psql -h localhost
  causeway forward svc/web 8080:80 8443:443    # several ports
  causeway forward pod/web-0 0:80              # any free local port; it is printed
  causeway forward deploy/web 8080 -n shop --verbose`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) < 2 {
				return usagef("%s takes TYPE/NAME and one port or more, but got %d arguments", cmd.CommandPath(), len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return runForward(cmd.Context(), streams, &f, connection, args[0], args[1:])
		},
	}
	set := c.Flags()
	set.StringSliceVar(&f.addresses, "address", []string{"localhost"}, "addresses to listen on, comma-separated; localhost is 127.0.0.1 and [::1]")
	set.StringArrayVarP(&f.servers, "server", "s", nil, "URL of the API server; may be repeated for several of one cluster")
	set.BoolVar(&f.Discover, "discover-servers", true, "also use the API servers that the cluster names in the endpoints of default/kubernetes")
	set.BoolVarP(&f.verbose, "verbose", "v", false, "tell on stderr of each connection, and of API servers that come and go")
	api := connection.APIServer
	connection.APIServer = nil // --server is ours: it may be repeated
	addConnection(c, connection)
	connection.APIServer = api
	return c
}

// ports are a local port, 0 for any, and the one it stands for.
type ports struct{ local, remote uint16 }

// parsePorts reads [LOCAL:]REMOTE; an empty LOCAL is any.
func parsePorts(text string) (ports, error) {
	local, remote, two := strings.Cut(text, ":")
	if !two {
		remote = local
	}
	r, err := strconv.ParseUint(remote, 10, 16)
	if err != nil || r == 0 {
		return ports{}, usagef("%q: %q is no port: want [LOCAL_PORT:]PORT, numbers from 1 to 65535", text, remote)
	}
	if local == "" {
		local = "0"
	}
	l, err := strconv.ParseUint(local, 10, 16)
	if err != nil {
		return ports{}, usagef("%q: %q is no local port: want a number up to 65535, 0 for any", text, local)
	}
	return ports{uint16(l), uint16(r)}, nil
}

// runForward forwards until it is interrupted.
func runForward(ctx context.Context, streams genericiooptions.IOStreams, f *forwardFlags, connection *genericclioptions.ConfigFlags, what string, wanted []string) error {
	ctx, stop := untilInterrupted(ctx)
	defer stop()
	all := make([]ports, len(wanted))
	for i, text := range wanted {
		var err error
		if all[i], err = parsePorts(text); err != nil {
			return err
		}
	}
	if len(f.servers) > 0 {
		*connection.APIServer = f.servers[0]
		f.Servers = f.servers[1:]
	}
	var err error
	if f.REST, err = restConfig(connection); err != nil {
		return err
	}
	if f.Namespace, _, err = connection.ToRawKubeConfigLoader().Namespace(); err != nil {
		return err
	}
	target, err := portforward.ParseTarget(what, f.Namespace)
	if err != nil {
		return usageError{err}
	}
	w := &forwarder{target: target, out: streams.Out, errOut: streams.ErrOut, verbose: f.verbose}
	if f.verbose {
		f.Log = slog.New(slog.NewTextHandler(streams.ErrOut, nil))
	}
	if w.proxy, err = localproxy.New(f.Config); err != nil {
		return err
	}
	defer w.proxy.Close()
	if err := w.proxy.Check(ctx, target); err != nil {
		return w.explain(err)
	}
	return w.run(ctx, f.addresses, all)
}

// forwarder forwards local ports to one target.
type forwarder struct {
	target      portforward.Target
	proxy       *localproxy.Proxy
	out, errOut io.Writer
	verbose     bool
	running     sync.WaitGroup

	mu sync.Mutex // of errOut
}

// explain says what to do about an error.
func (w *forwarder) explain(err error) error {
	err = fmt.Errorf("forwarding ports of %s in namespace %q: %w", w.target, w.target.Namespace, err)
	if !apierrors.IsForbidden(err) {
		return err
	}
	resource := "pods"
	if w.target.Resource == "services" {
		resource = "services"
	}
	return fmt.Errorf(`%w
An administrator of the namespace can allow it:
  kubectl create role forward-ports -n %s --verb=create --resource=%s/portforward
  kubectl create rolebinding forward-ports -n %[2]s --role=forward-ports --user=YOU`, err, w.target.Namespace, resource)
}

// run listens, tells of it, and serves until ctx ends.
func (w *forwarder) run(ctx context.Context, addresses []string, all []ports) error {
	var listeners []net.Listener
	defer func() {
		for _, l := range listeners {
			l.Close()
		}
		w.running.Wait()
	}()
	for _, p := range all {
		for _, address := range addresses {
			some, err := localproxy.Listen(address, int(p.local))
			if err != nil {
				return err
			}
			listeners = append(listeners, some...)
			for _, l := range some {
				fmt.Fprintf(w.out, "Forwarding from %s -> %d\n", l.Addr(), p.remote)
				w.running.Go(func() { w.serve(ctx, l, p.remote) })
			}
		}
	}
	<-ctx.Done()
	return nil
}

// serve accepts connections until the listener is closed.
func (w *forwarder) serve(ctx context.Context, l net.Listener, port uint16) {
	for {
		c, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			w.tell("error: accepting connections on %s: %v", l.Addr(), err)
			return
		}
		w.running.Go(func() { w.forward(ctx, c, port) })
	}
}

// forward serves one connection. If none can be made it is reset, which clients
// do not take for an answer.
func (w *forwarder) forward(ctx context.Context, c net.Conn, port uint16) {
	defer c.Close()
	backend, err := w.proxy.Dial(ctx, w.target, port)
	if err != nil {
		if tcp, ok := c.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // it ends either way
		}
		if ctx.Err() == nil {
			w.tell("error: %v", w.explain(err))
		}
		return
	}
	from := c.RemoteAddr()
	if w.verbose {
		w.tell("%s: connected to %s %d%s", from, w.target, port, at(backend))
	}
	err = conn.Relay(ctx, c, backend, nil, nil)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		w.tell("error: %s: the connection to %s broke: %v", from, w.target, err)
	case w.verbose:
		w.tell("%s: closed", from)
	}
}

// at names the backend, if the API server has.
func at(c *portforward.Conn) string {
	if c.Address() == "" {
		return ""
	}
	return " at " + c.Address()
}

func (w *forwarder) tell(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	fmt.Fprintf(w.errOut, format+"\n", args...)
}
