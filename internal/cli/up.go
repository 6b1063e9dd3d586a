package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"

	"github.com/causeway-access/causeway/internal/cluster"
	"github.com/causeway-access/causeway/internal/version"
)

func newUp(streams genericiooptions.IOStreams) *cobra.Command {
	var cfg cluster.Config
	var format output
	var logs logFlags
	c := &cobra.Command{
		Use:   "up",
		Short: "Run a whole cluster on this machine",
		Long: `Run a cluster in this process: API server, storage, controllers and the gateway
to services, pods and nodes. When it is ready it prints where it listens, which
credentials it wrote and where, and what to try. It runs until SIGINT or
SIGTERM: then /readyz fails, new connections are refused, and requests under
way get time to end. A second signal ends it at once, and nothing that was
acknowledged is lost either way. Pods go on running: the next start finds them,
and "causeway down" ends them.

On Linux this machine is a node, which runs pods: their images come from
registries, or are "host", which is this machine's own programs and files, to be
read. Pods reach services, each other and the network that this machine has.
Without root they run in namespaces of yours, where the kernel allows that, and
have less: no network outside of the cluster, no pulled images, one user.

Everything it keeps is in --data-dir: the store, its certificate authority and
the administrator's credentials. The next start with the same directory is the
same cluster. Your kubeconfig gets a context named "causeway"; if another
context is current there, it stays so.`,
		Example: `  causeway up
  causeway up --listen 127.0.0.1:7443 --data-dir ~/try --kubeconfig ~/try/config
  causeway up --node=false                           # API and gateway, no pods
  causeway up --allow-endpoint-cidr 127.0.0.0/8      # backends on this machine's loopback
  causeway up --dns-listen 127.0.0.1:10053           # resolves kubernetes.default.svc.cluster.local
  causeway up --etcd-servers https://10.0.0.1:2379   # and more API servers on the same etcd
  causeway up --htpasswd-file /etc/causeway/users    # more people with passwords
  causeway up -v 2 --logging-format json 2>causeway.log`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := format.check(); err != nil {
				return err
			}
			if err := logs.apply(streams.ErrOut); err != nil {
				return err
			}
			cfg.Node.Required = cfg.Node.Run && cmd.Flags().Changed("node")
			return runUp(cmd.Context(), streams, cfg, format)
		},
	}
	addUp(c.Flags(), &cfg)
	format.addTo(c)
	logs.addTo(c)
	return c
}

// addUp adds the flags of the cluster.
func addUp(f *pflag.FlagSet, cfg *cluster.Config) {
	f.StringVar(&cfg.DataDir, "data-dir", cluster.DefaultDataDir(), "directory for everything the cluster keeps; private to you")
	f.StringSliceVar(&cfg.Etcd.Servers, "etcd-servers", nil, "URLs of an etcd that keeps the objects, which further API servers may share; may be repeated or a list with commas (default: one of its own in --data-dir)")
	f.StringVar(&cfg.Etcd.CAFile, "etcd-cafile", "", "authority of these servers' certificates")
	f.StringVar(&cfg.Etcd.CertFile, "etcd-certfile", "", "certificate to show to them")
	f.StringVar(&cfg.Etcd.KeyFile, "etcd-keyfile", "", "its key")
	f.StringVar(&cfg.Listen, "listen", ":6443", "host:port of the API; without a host all addresses, port 0 takes any free port")
	f.StringVar(&cfg.AdvertiseAddress, "advertise-address", "", "address by which nodes and pods reach the API (default: the one listened on, or this machine's first)")
	f.StringVar(&cfg.Kubeconfig, "kubeconfig", "", `file that gets the context "causeway" (default: by $KUBECONFIG, else ~/.kube/config)`)
	f.StringVar(&cfg.ServiceCIDR, "service-cidr", "10.96.0.0/16", "range of the services' addresses")
	f.StringVar(&cfg.PodCIDR, "pod-cidr", "10.244.0.0/16", "range of the pods' addresses; must not overlap --service-cidr")
	f.StringVar(&cfg.ServiceNodePortRange, "service-node-port-range", "30000-32767", "ports that services of type NodePort and LoadBalancer have on the nodes, first to last")
	f.StringVar(&cfg.DNSListen, "dns-listen", "", "address:port of the cluster's DNS server, UDP and TCP, such as 127.0.0.1:10053; port 0 takes any free port (default: for pods alone, if there is a node)")
	addNode(f, &cfg.Node)
	f.StringSliceVar(&cfg.AllowEndpointCIDRs, "allow-endpoint-cidr", nil, "range of loopback addresses, such as 127.0.0.0/8, that backends may have; may be repeated or a list with commas")
	f.StringVar(&cfg.HtpasswdFile, "htpasswd-file", "", "users with passwords, bcrypt as by htpasswd -B; read again when it changes (default: one in --data-dir with user admin)")
	f.StringVar(&cfg.HtpasswdGroupsFile, "htpasswd-groups-file", "", `groups of these users, lines of "group: user user"`)
	f.StringVar(&cfg.TokensFile, "token-auth-file", "", "static tokens, lines of token,user,uid,\"group,group\" (default: one in --data-dir with user admin)")
	f.StringVar(&cfg.AuthenticationConfig, "authentication-config", "", "AuthenticationConfiguration of apiserver.config.k8s.io, for OpenID Connect")
	f.StringVar(&cfg.AuditPolicy, "audit-policy-file", "", "Policy of audit.k8s.io (default: who did what, without bodies)")
	f.StringVar(&cfg.AccessLog, "access-log", "", `file for a line of JSON per request to a service, pod or node; "-" is standard error (default: none; with -v 1 standard error)`)
	f.StringVar(&cfg.TracingConfig, "tracing-config-file", "", "TracingConfiguration of apiserver.config.k8s.io: export spans by OTLP (default: no tracing)")
	f.BoolVar(&cfg.ServiceAccountTokenSecrets, "service-account-token-secrets", true, "keep a Secret with a token for every service account")
	f.DurationVar(&cfg.ShutdownDelay, "shutdown-delay-duration", 0, "how long to go on accepting connections after SIGTERM, while /readyz fails already")
	f.DurationVar(&cfg.ShutdownGrace, "shutdown-grace-period", 10*time.Second, "how long requests and upgraded connections under way have to end after that")
	addLimits(f, &cfg.Limits)
}

// addNode adds the flags of this machine as a node.
func addNode(f *pflag.FlagSet, n *cluster.NodeConfig) {
	f.BoolVar(&n.Run, "node", true, "run pods on this machine, which takes Linux; if not asked for and not possible, the cluster does without")
	f.StringVar(&n.Name, "node-name", "", "name of this machine as a node (default: its host name)")
	f.StringVar(&n.RuntimeEndpoint, "container-runtime-endpoint", "", "socket of a container runtime that speaks CRI, such as unix:///run/containerd/containerd.sock (default: pods are run without one)")
	f.StringVar(&n.Listen, "node-listen", "", "host:port of the node's own API; port 0 takes any free port (default: port 10250 where --listen says)")
	addUpkeep(f, &n.Upkeep)
}

// addLimits adds the flags of what clients may take.
func addLimits(f *pflag.FlagSet, l *cluster.Limits) {
	f.IntVar(&l.MaxConnectionsPerClient, "max-connections-per-client", 0, "how many connections one IPv4 address or IPv6 /64 may have; 0 is half of this process's limit of open files and at most 16384, -1 no limit")
	f.IntVar(&l.MaxHeaderBytes, "max-header-bytes", 64<<10, "how long the head of a request may be")
	f.DurationVar(&l.ReadHeaderTimeout, "read-header-timeout", 10*time.Second, "how long a client may take for the TLS handshake, and for the head of a request")
	f.DurationVar(&l.IdleTimeout, "idle-timeout", 90*time.Second, "how long a connection without a request is kept")
	f.IntVar(&l.MaxStreams, "http2-max-streams-per-connection", 100, "how many requests an HTTP/2 connection may have under way")
	f.IntVar(&l.Proxy.InFlight, "proxy-max-inflight", 4096, "how many requests to services, pods and nodes are served at a time; further ones wait, those of users with fewest first; -1 is no limit")
	f.IntVar(&l.Proxy.InFlightPerUser, "proxy-max-inflight-per-user", 1024, "how many of them one user may have; -1 is no limit")
	f.IntVar(&l.Proxy.UpgradesPerUser, "proxy-max-upgrades-per-user", 1024, "how many upgraded connections (WebSocket, SPDY) one user may have; -1 is no limit")
}

// runUp starts the cluster, says how to reach it and waits for its end.
func runUp(ctx context.Context, streams genericiooptions.IOStreams, cfg cluster.Config, format output) error {
	ctx, stop := untilInterrupted(ctx)
	defer stop()
	// The API server's library ends the process over a part that is stopped
	// before it was ready, and then nobody would hear why. Let that goroutine
	// end alone: the start waits for every part, and tells of one that fails.
	klog.OsExit = func(int) { runtime.Goexit() }
	quietWhenEnding(ctx)
	begun := time.Now()
	c, err := cluster.Start(ctx, cfg)
	if bad := new(cluster.FlagError); errors.As(err, &bad) {
		return usageError{bad}
	}
	if err != nil {
		return fmt.Errorf("start the cluster: %w", err)
	}
	go collectAsNeeded(ctx)
	info := c.Info()
	err = format.print(streams.Out, info, func(w io.Writer) error {
		printReady(w, info, time.Since(begun))
		services, err := servicesOf(ctx, info)
		if err != nil {
			return fmt.Errorf("list the services of the cluster: %w", err)
		}
		services.printLines(w)
		printTry(w, info)
		return nil
	})
	if err != nil && ctx.Err() == nil {
		fmt.Fprintf(streams.ErrOut, "warning: %v\n", err) // the cluster runs all the same
	}
	if err := c.Wait(); err != nil {
		return fmt.Errorf("run the cluster: %w", err)
	}
	return nil
}

// servicesOf is cluster-info of the cluster that was started.
func servicesOf(ctx context.Context, info cluster.Info) (clusterInfo, error) {
	config, err := clientcmd.BuildConfigFromFlags("", info.AdminKubeconfig)
	if err != nil {
		return clusterInfo{}, err
	}
	return clusterInfoFrom(ctx, withUserAgent("causeway")(config), metav1.NamespaceSystem)
}

// printReady says where the cluster is and which credentials were written.
func printReady(w io.Writer, info cluster.Info, took time.Duration) {
	fmt.Fprintf(w, "Causeway %s is ready after %.1f s, speaking Kubernetes %s\n\n",
		version.Causeway().Version, took.Seconds(), version.Kubernetes().GitVersion)
	line := func(name, value, use string) { fmt.Fprintf(w, "  %-12s %s%s\n", name, value, use) }
	line("API", info.URL, "")
	if info.DNS != "" {
		line("DNS", info.DNS, "  (cluster.local)")
	}
	switch {
	case info.Node != "":
		line("node", info.Node, "  (runs pods)")
	case info.NoNode != "":
		line("node", "none: "+info.NoNode, "")
	}
	line("authority", info.CAFile, "")
	line("", "SHA-256 "+info.Fingerprint, "")
	line("data", info.DataDir, "")
	line("credentials", info.AdminKubeconfig, "  (client certificate)")
	line("", info.KubernetesAuth, "  (user and password)")
	if info.TokenFile != "" {
		line("", info.TokenFile, "  (token)")
	}
	if info.Current == info.Context {
		line("kubectl", fmt.Sprintf("context %q in %s", info.Context, info.Kubeconfig), " is current")
	} else {
		line("kubectl", fmt.Sprintf("context %q in %s", info.Context, info.Kubeconfig), "")
		line("", fmt.Sprintf("the current context is still %q; to switch: causeway config use-context %s", info.Current, info.Context), "")
	}
	fmt.Fprintln(w)
}

// printTry prints commands that work as they stand.
func printTry(w io.Writer, info cluster.Info) {
	kubectl := "causeway kubectl"
	if info.Current != info.Context {
		kubectl += " --context " + info.Context
	}
	fmt.Fprintf(w, "\nTry, in another terminal:\n")
	fmt.Fprintf(w, "  %s get services --all-namespaces\n", kubectl)
	if info.TokenFile != "" {
		fmt.Fprintf(w, "  curl --cacert %s -H \"Authorization: Bearer $(cat %s)\" %s/api\n", info.CAFile, info.TokenFile, info.URL)
	} else {
		fmt.Fprintf(w, "  %s get --raw /api\n", kubectl)
	}
	fmt.Fprintf(w, "  causeway echo --listen :8080\n")
}
