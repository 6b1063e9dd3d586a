package cli

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/causeway-access/causeway/internal/certs/pin"
	"github.com/causeway-access/causeway/internal/kubeconfig"
)

// loginPatience bounds a request of login.
const loginPatience = 30 * time.Second

// login makes a context for a cluster that is known by its URL alone.
type login struct {
	console
	credential
	trust
	kubeconfig, context, namespace string
}

func newLogin(streams genericiooptions.IOStreams) *cobra.Command {
	o := &login{console: console{streams}}
	c := &cobra.Command{
		Use:   "login URL",
		Short: "Get to know a cluster, and make a context for it",
		Long: `Make a context for the cluster at URL in your kubeconfig, so that kubectl and
every other client reach it. You prove who you are by password, token or client
certificate; secrets are asked for or read from files, never from flags.

The server's certificate is verified, always. Where neither this machine nor your
kubeconfig knows its authority, you are shown the authority's SHA-256 fingerprint
and asked whether it is the right one: "causeway up" and "causeway cluster-info"
print it on machines that know. The authority is then kept in the kubeconfig, so
that nothing ever needs --insecure. Scripts give --fingerprint instead.

Before anything is written, the cluster is asked who you are. Other entries of
the kubeconfig stay as they are written.`,
		Example: `  causeway login https://203.0.113.7:6443
  causeway login https://203.0.113.7:6443 --username alice --context work
  causeway login https://203.0.113.7:6443 --token-file token --fingerprint sha256:6f09...
  vault read -field=password k8s | causeway login https://k8s.example --username alice --password-file -
  causeway login https://k8s.example --client-certificate me.crt --client-key me.key`,
		Args: oneArgument("the URL of the cluster's API"),
		RunE: func(cmd *cobra.Command, args []string) error {
			server, err := parseServer(args[0])
			if err != nil {
				return err
			}
			if err := errors.Join(o.credential.check(), o.trust.check()); err != nil {
				return err
			}
			if err := o.run(cmd.Context(), server); err != nil {
				return fmt.Errorf("log in to %s: %w", server, err)
			}
			return nil
		},
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	f := c.Flags()
	o.credential.addTo(f)
	o.trust.addTo(f)
	f.StringVar(&o.context, "context", "", "name of the context, cluster and user (default: host and port of URL)")
	f.StringVarP(&o.namespace, "namespace", "n", "", "namespace of the context")
	f.StringVar(&o.kubeconfig, "kubeconfig", "", "file that gets the context (default: by $KUBECONFIG, else ~/.kube/config)")
	// The flag was added above; registering fails for no other reason.
	_ = c.RegisterFlagCompletionFunc("context", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return contexts(o.kubeconfig)
	})
	return c
}

// parseServer reads the URL of an API server; https:// may be left out.
func parseServer(text string) (*url.URL, error) {
	if !strings.Contains(text, "://") {
		text = "https://" + text
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "" || u.RawQuery != "" || u.Fragment != "":
		return nil, usagef("%q is not the URL of a cluster: want https://host or https://host:port", text)
	case u.User != nil:
		return nil, usagef("everybody on this machine sees command lines: leave user and password out of the URL, and use --username")
	case u.Scheme != "https":
		return nil, usagef("%s:// would send your secrets in the clear: want https://host or https://host:port", u.Scheme)
	}
	u.Path = strings.TrimRight(u.Path, "/")
	return u, nil
}

// run gets to know the server, then the user, and then writes down both.
func (o *login) run(ctx context.Context, server *url.URL) error {
	ctx, stop := untilInterrupted(ctx)
	defer stop()
	if _, ok := o.terminal(); !ok && o.credential.needsTerminal() {
		return errors.New("no terminal to ask for a password on: use --password-file with --username, --token-file or --client-certificate")
	}
	known, err := kubeconfig.Known(o.kubeconfig, server.String())
	if err != nil {
		return err
	}
	shown, err := pin.Look(ctx, server, o.serverName)
	if err != nil {
		return err
	}
	ca, err := o.trust.decide(ctx, shown, known, o.console)
	if err != nil {
		return err
	}
	entry := o.entry(server, ca)
	what, err := o.credential.fill(ctx, &entry, o.console)
	if err != nil {
		return err
	}
	who, err := whoAmI(ctx, entry)
	if err != nil {
		return notTaken(err, what)
	}
	merged, err := kubeconfig.MergeAndSelect(ctx, o.kubeconfig, entry)
	if taken := new(kubeconfig.TakenError); errors.As(err, &taken) {
		return fmt.Errorf("%w: choose another name with --context", err)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(o.Out, "Logged in to %s as %s.\n", server, who)
	fmt.Fprintf(o.Out, "Context %q in %s is current.\n", merged.Context, merged.Path)
	return nil
}

// entry is what will be written, still without a credential.
func (o *login) entry(server *url.URL, ca []byte) kubeconfig.Entry {
	name := o.context
	if name == "" {
		name = server.Host
	}
	return kubeconfig.Entry{
		Name: name, User: name, Namespace: o.namespace,
		Server: server.String(), TLSServerName: o.serverName, CA: ca,
	}
}
