package cli

import (
	"cmp"
	"context"
	"log/slog"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"

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
number or the name of the service's port for a service, else of the pod's.

An endpoint that is ready is picked for each connection anew, so that the local
port outlives pods that restart and API servers that fail. What becomes of a
connection that cannot be made is told on stderr.`,
		Example: `  causeway forward svc/db 5432                 # psql -h localhost
  causeway forward svc/web 8080:80 8443:443    # several ports
  causeway forward svc/web 8443:https          # by the port's name
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
type ports struct {
	local, remote uint16
	// name is the other one's where its number is not known yet, and alike
	// whether the local one has the same number.
	name  string
	alike bool
}

// parsePorts reads [LOCAL:]REMOTE; an empty LOCAL is any.
func parsePorts(text string) (ports, error) {
	local, remote, two := strings.Cut(text, ":")
	if !two {
		remote = local
	}
	p := ports{alike: !two}
	r, err := strconv.ParseUint(remote, 10, 16)
	switch {
	case err == nil && r != 0:
		p.remote = uint16(r)
	case len(validation.IsValidPortName(remote)) == 0:
		p.name = remote
	default:
		return ports{}, usagef("%q: %q is no port: want [LOCAL_PORT:]PORT, numbers from 1 to 65535 or the name of a port", text, remote)
	}
	if p.alike {
		p.local = p.remote
		return p, nil
	}
	l, err := strconv.ParseUint(cmp.Or(local, "0"), 10, 16)
	if err != nil {
		return ports{}, usagef("%q: %q is no local port: want a number up to 65535, 0 for any", text, local)
	}
	p.local = uint16(l)
	return p, nil
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
	if err := w.number(ctx, all); err != nil {
		return w.explain(err)
	}
	return w.run(ctx, f.addresses, all)
}
