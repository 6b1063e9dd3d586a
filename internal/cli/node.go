package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/causeway-access/causeway/internal/authn/bootstrap"
	"github.com/causeway-access/causeway/internal/certs/pin"
	"github.com/causeway-access/causeway/internal/cluster"
	"github.com/causeway-access/causeway/internal/lockfile"
	"github.com/causeway-access/causeway/internal/node/apart"
	"github.com/causeway-access/causeway/internal/node/join"
	nodeservers "github.com/causeway-access/causeway/internal/node/servers"
	"github.com/causeway-access/causeway/internal/node/upkeep"
)

// joining is a machine that becomes a node.
type joining struct {
	console
	trust
	servers                 []string
	token, tokenFile        string
	name, dataDir, ip       string
	listen, runtimeEndpoint string
	tunnel                  bool
	upkeep                  upkeep.Settings
}

func newNode(streams genericiooptions.IOStreams) *cobra.Command {
	j := &joining{console: console{streams}}
	var format output
	var logs logFlags
	c := &cobra.Command{
		Use:   "node",
		Short: "Make this machine a node of a cluster elsewhere",
		Long: `Make this machine a node of a cluster that "causeway up" runs on another one, and
run pods here until SIGINT or SIGTERM. Pods go on running then: the next start
finds them, and "causeway down" ends them. It takes Linux. Who is not root runs
pods with less of what pods may have, in namespaces of his own, where the machine
lets users have them; such a node is always reached by --tunnel.

The first start takes a bootstrap token, which "causeway token create" makes on a
machine that has the administrator's kubeconfig, and --ca-cert-hash, by which the
cluster is known before the token is sent; with --print-join-command it prints the
whole line. The node then gets certificates of its own, which are renewed while it
runs; later starts need neither token nor hash. The machines must be neighbours
on one network, since pods reach each other by routes; one that the API servers
cannot reach, behind address translation, takes --tunnel.

With several API servers the node speaks to one of them, and to another when that
dies or is not ready. It learns of all from the one; --server given several times
is for a start while the first is away.`,
		Example: `  causeway node --server https://192.0.2.10:6443 --ca-cert-hash sha256:7c21... --token-file token
  causeway node --server https://192.0.2.10:6443               # when it has joined before
  causeway node --server https://192.0.2.10:6443 --server https://192.0.2.20:6443
  causeway node --server https://192.0.2.10:6443 --node-name worker-2 --node-ip 192.0.2.12 --token-file token`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := format.check(); err != nil {
				return err
			}
			if err := logs.apply(streams.ErrOut); err != nil {
				return err
			}
			servers, err := j.check()
			if err != nil {
				return err
			}
			if cmd.Flags().Changed("tunnel") && !j.tunnel && apart.Needed(j.runtimeEndpoint) {
				return usagef("--tunnel=false: the node of a user who is not root has no address, and is reached by its tunnel alone")
			}
			if err := j.run(cmd.Context(), servers, format); err != nil {
				return fmt.Errorf("run the node: %w", err)
			}
			return nil
		},
	}
	j.addTo(c.Flags())
	format.addTo(c)
	logs.addTo(c)
	return c
}

func (j *joining) addTo(f *pflag.FlagSet) {
	f.StringArrayVar(&j.servers, "server", nil, "URL of the cluster's API; may be given again, for several API servers")
	f.StringVar(&j.tokenFile, "token-file", "", `take the bootstrap token from this file; "-" is standard input`)
	f.StringVar(&j.token, "token", "", "the bootstrap token; everybody on this machine sees it while this runs, so better use --token-file")
	f.StringVar(&j.fingerprint, "ca-cert-hash", "", "sha256:... of the authority's public key or certificate; the cluster is trusted if it shows it")
	f.StringVar(&j.authorityFile, "certificate-authority", "", "file with the authority's certificate, instead of its hash")
	f.StringVar(&j.name, "node-name", "", "name of this machine as a node (default: its host name)")
	f.StringVar(&j.ip, "node-ip", "", "address by which the cluster reaches this machine (default: that from which it reaches the server)")
	f.BoolVar(&j.tunnel, "tunnel", false, "have the API servers reach this machine and its pods by connections that the machine keeps to them, for they cannot reach their addresses; always so without root")
	f.StringVar(&j.listen, "node-listen", "", "host:port of the node's own API; port 0 takes any free port (default: port 10250 of --node-ip)")
	f.StringVar(&j.runtimeEndpoint, "container-runtime-endpoint", "", "socket of a container runtime that speaks CRI, such as unix:///run/containerd/containerd.sock (default: pods are run without one)")
	f.StringVar(&j.dataDir, "data-dir", cluster.DefaultDataDir(), "directory for everything the node keeps; private to you")
	addUpkeep(f, &j.upkeep)
}

// check refuses what cannot be, before anything is done.
func (j *joining) check() (servers []*url.URL, err error) {
	if len(j.servers) == 0 {
		return nil, usagef("--server is missing: give the URL of the cluster's API")
	}
	for _, text := range j.servers {
		server, err := parseServer(text)
		if err != nil {
			return nil, fmt.Errorf("--server: %w", err)
		}
		servers = append(servers, server)
	}
	if j.fingerprint != "" && j.authorityFile != "" {
		return nil, usagef("--ca-cert-hash and --certificate-authority exclude each other")
	}
	if j.fingerprint != "" {
		if j.pinned, err = pin.ParseFingerprint(j.fingerprint); err != nil {
			return nil, usageError{fmt.Errorf("--ca-cert-hash: %w", err)}
		}
	}
	if j.token != "" && j.tokenFile != "" {
		return nil, usagef("--token and --token-file exclude each other")
	}
	if j.name == "" {
		host, err := os.Hostname()
		if err != nil {
			return nil, fmt.Errorf("find this machine's name (give it with --node-name): %w", err)
		}
		j.name = strings.ToLower(host)
	}
	if bad := validation.IsDNS1123Subdomain(j.name); len(bad) > 0 {
		return nil, usagef("--node-name %q: %s", j.name, strings.Join(bad, "; "))
	}
	if err := j.upkeep.Check(); err != nil {
		return nil, usageError{err}
	}
	if j.ip != "" {
		if _, err := netip.ParseAddr(j.ip); err != nil {
			return nil, usagef("--node-ip: %w", err)
		}
	}
	return servers, nil
}

// run joins the cluster and is the node.
func (j *joining) run(ctx context.Context, servers []*url.URL, format output) (err error) {
	ctx, stop := untilInterrupted(ctx)
	defer stop()
	quietWhenEnding(ctx)
	if j.dataDir, err = filepath.Abs(cmp.Or(j.dataDir, cluster.DefaultDataDir())); err != nil {
		return fmt.Errorf("--data-dir: %w", err)
	}
	if err := os.MkdirAll(j.dataDir, 0o700); err != nil {
		return fmt.Errorf("%w: choose a directory that you may write with --data-dir", err)
	}
	lock, err := lockfile.Acquire(j.dataDir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Release()) }()
	cfg := join.Config{
		Servers: servers, Name: j.name, Tunnel: j.tunnel, Listen: j.listen, RuntimeEndpoint: j.runtimeEndpoint,
		Dir: filepath.Join(j.dataDir, cluster.NodeDir), Hidden: []string{j.dataDir},
		Upkeep: j.upkeep,
	}
	if j.ip != "" {
		cfg.Address = netip.MustParseAddr(j.ip) // checked
	}
	if cfg.Token, err = j.bootstrapToken(); err != nil {
		return err
	}
	if cfg.CA, err = j.authority(ctx, servers, cfg.Dir); err != nil {
		return err
	}
	return join.Run(ctx, cfg, func(joined join.Joined) {
		// The node runs whether or not somebody reads this.
		_ = format.print(j.Out, joined, func(w io.Writer) error {
			_, err := fmt.Fprintf(w, "Node %s (%s) runs pods for the cluster at %s\n", joined.Node, joined.Address, joined.Server)
			return err
		})
	})
}

// bootstrapToken is the token that was given; empty if none was.
func (j *joining) bootstrapToken() (string, error) {
	token := j.token
	if j.tokenFile != "" {
		var err error
		if token, err = readSecret(j.In, "token", j.tokenFile); err != nil {
			return "", err
		}
	}
	if _, _, ok := bootstrap.ParseToken(token); token != "" && !ok {
		return "", errors.New("what was given as the token is none: want six letters or digits, a dot and sixteen more, as \"causeway token create\" prints it")
	}
	return token, nil
}

// authority is that by which the servers are known: the one that the node has
// from when it joined, if it is not another that is asked for, or else what one
// shows, if that is right. Whose certificates it signs may ask the node's
// own API, so the system's authorities will not do.
func (j *joining) authority(ctx context.Context, servers []*url.URL, dir string) ([]byte, error) {
	kept, err := join.Authority(dir)
	if err != nil {
		return nil, fmt.Errorf("read the authority of the cluster: %w", err)
	}
	if kept != nil && j.authorityFile == "" && (j.fingerprint == "" || pin.Matches(kept, j.pinned)) {
		return kept, nil
	}
	if j.authorityFile == "" && j.fingerprint == "" {
		return nil, errors.New("this machine does not know the cluster yet: give --ca-cert-hash, as \"causeway token create --print-join-command\" prints it on a machine that does")
	}
	var shown *pin.Shown
	var failed []error
	for _, server := range servers { // the first that answers, by whatever address
		if shown, err = pin.Look(ctx, server, nodeservers.Name); err == nil {
			break
		}
		failed = append(failed, err)
	}
	if shown == nil {
		return nil, errors.Join(failed...)
	}
	if j.authorityFile != "" {
		return j.byFile(shown)
	}
	if found := shown.Find(j.pinned); found != nil && !pin.Lasting(found) {
		return nil, errors.New("--ca-cert-hash is that of the server's own certificate: give that of its authority")
	}
	return j.byFingerprint(shown, j.ErrOut)
}
