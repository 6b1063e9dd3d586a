// Package join makes a machine a node of a cluster elsewhere: by a bootstrap
// token it gets certificates of its own, asks the control plane what there is to
// know, and runs the node's agent. With these certificates it starts again
// without a token. Floor 2, a part of the node's agent.
package join

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	restclient "k8s.io/client-go/rest"

	"github.com/causeway-access/causeway/internal/certs"
	"github.com/causeway-access/causeway/internal/node/register"
	"github.com/causeway-access/causeway/internal/node/servers"
	"github.com/causeway-access/causeway/internal/node/upkeep"
	"github.com/causeway-access/causeway/internal/privatefile"
)

// Config says which machine joins which cluster.
type Config struct {
	// Servers are the URLs of API servers, of which the node speaks to one that
	// answers. Required: one.
	Servers []*url.URL
	// CA is the authority of their certificates, in PEM. Required.
	CA []byte
	// Token is a bootstrap token. It is used while there is no good certificate.
	Token string
	// Name is that of the Node object. Required.
	Name string
	// Address is this machine's, by which the cluster reaches it. The zero one
	// is that from which the API server is reached.
	Address netip.Addr
	// Tunnel has the node keep a connection to each API server, by which that
	// reaches it and its pods: for machines whose addresses they cannot reach.
	// The node of a user who is not root does so in any case.
	Tunnel bool
	// Listen is HOST:PORT of the node's own API. Empty means port 10250 of
	// Address.
	Listen string
	// Dir holds all that the node keeps. Required.
	Dir string
	// Hidden are directories that pods of the host image see empty, beside Dir.
	Hidden []string
	// RuntimeEndpoint is the socket of a container runtime that speaks CRI.
	// Empty means that pods are run without one.
	RuntimeEndpoint string
	// Upkeep says how much of the disk may be used. The zero value is the usual.
	Upkeep upkeep.Settings
	// Log is slog.Default() if nil.
	Log *slog.Logger
}

const (
	userAgent = "causeway-node"
	apiPort   = "10250"
	// patience is the time between attempts to reach the API server, and
	// hintAfter when one is told what may be wrong.
	patience  = 2 * time.Second
	hintAfter = 30 * time.Second
)

// ErrToken says that the API server does not know the token.
var ErrToken = errors.New("the API server does not take the token: it is wrong, or its time is over; make another one with \"causeway token create\"")

// authorityFile is where the authority is kept, in the directory of the keys.
const authorityFile = "ca.crt"

func keysDir(dir string) string { return filepath.Join(dir, "pki") }

// Authority is that of the cluster which the node in dir has joined; nil if it
// has joined none.
func Authority(dir string) ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(keysDir(dir), authorityFile))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	return text, err
}

// Run is the node until ctx ends; it waits for the API server as long as it
// takes. When pods can run it calls ready.
func Run(ctx context.Context, cfg Config, ready func(Joined)) error {
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	if err := cfg.possible(ctx); err != nil {
		return err
	}
	if err := cfg.settle(); err != nil {
		return err
	}
	all, err := cfg.servers()
	if err != nil {
		return err
	}
	keys, err := cfg.credentials(ctx, all)
	if err != nil {
		return err
	}
	settings, err := cfg.settings(ctx, keys)
	if err != nil {
		return err
	}
	go cfg.awaitServing(ctx, keys)
	prepare := cfg.here
	if cfg.apart() {
		prepare = cfg.elsewhere
	}
	agent, err := prepare(all, keys, settings)
	if err != nil {
		return err
	}
	go func() {
		select {
		case <-agent.Ready():
			ready(Joined{Node: cfg.Name, Server: "https://" + all.Current(), Address: cfg.Address.String(), DataDir: filepath.Dir(cfg.Dir)})
		case <-ctx.Done():
		}
	}()
	return agent.Run(ctx)
}

// Joined is what there is to say of a node that runs.
type Joined struct {
	Node    string `json:"node"`
	Server  string `json:"server"`
	Address string `json:"address"`
	DataDir string `json:"dataDir"`
}

// settle fills in what was left out.
func (cfg *Config) settle() error {
	if !cfg.Address.IsValid() {
		address, err := addressTowards(cfg.Servers[0])
		if err != nil {
			return fmt.Errorf("finding this machine's address (give it with --node-ip): %w", err)
		}
		cfg.Address = address
	}
	if cfg.Address.IsLoopback() || cfg.Address.IsUnspecified() {
		return fmt.Errorf("the cluster does not reach this machine at %s: give another address with --node-ip", cfg.Address)
	}
	if cfg.Listen == "" {
		cfg.Listen = net.JoinHostPort(cfg.Address.String(), apiPort)
	}
	return nil
}

// addressTowards is the address from which this machine reaches the server. No
// packet is sent.
func addressTowards(server *url.URL) (netip.Addr, error) {
	c, err := net.Dial("udp", servers.HostPort(server))
	if err != nil {
		return netip.Addr{}, err
	}
	defer c.Close()
	return c.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap(), nil
}

// servers are those that were given, as the node keeps them.
func (cfg *Config) servers() (*servers.Set, error) {
	var given []string
	for _, server := range cfg.Servers {
		given = append(given, servers.HostPort(server))
	}
	return servers.New(servers.Config{Given: given, Log: cfg.Log})
}

// credentials gets the node's certificates, and keeps the authority with them.
func (cfg *Config) credentials(ctx context.Context, all *servers.Set) (*register.Keys, error) {
	if err := privatefile.Tidy(keysDir(cfg.Dir)); err != nil {
		return nil, err
	}
	server := &restclient.Config{
		Host: cfg.Servers[0].String(), Dial: all.Dial, UserAgent: userAgent, BearerToken: cfg.Token,
		TLSClientConfig: restclient.TLSClientConfig{CAData: cfg.CA, ServerName: servers.Name},
	}
	if cfg.Token != "" {
		if err := cfg.tryToken(ctx, server); err != nil {
			return nil, err
		}
	}
	hint := time.AfterFunc(hintAfter, func() {
		cfg.Log.Warn("Still waiting for the node's client certificate: if a living node has this name, or nobody approves, it does not come. See kubectl get certificatesigningrequests, and their events", "node", cfg.Name)
	})
	defer hint.Stop()
	credentials := register.CredentialsConfig{Name: cfg.Name, Dir: keysDir(cfg.Dir), Bootstrap: server, Hostname: cfg.Name, Log: cfg.Log}
	if !cfg.Tunnel { // or nobody calls it by an address
		credentials.Addresses = []netip.Addr{cfg.Address}
	}
	keys, err := register.Credentials(ctx, credentials)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(keysDir(cfg.Dir), authorityFile)
	if err := privatefile.Write(path, cfg.CA); err != nil {
		return nil, fmt.Errorf("keeping the cluster's authority: %w", err)
	}
	return keys, nil
}

// tryToken asks the API server for whom it takes the token, where that matters:
// a machine that has a certificate goes on without. It waits for the server.
func (cfg *Config) tryToken(ctx context.Context, server *restclient.Config) error {
	if _, err := os.Stat(filepath.Join(keysDir(cfg.Dir), "kubelet-client-current.pem")); err == nil {
		return nil
	}
	client, err := kubernetes.NewForConfig(server)
	if err != nil {
		return err
	}
	return cfg.persist(ctx, "asking the API server", func(ctx context.Context) error {
		_, err := client.AuthenticationV1().SelfSubjectReviews().Create(ctx, &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
		if apierrors.IsUnauthorized(err) {
			return final{ErrToken}
		}
		if apierrors.IsForbidden(err) {
			return nil // it is known
		}
		return err
	})
}

// settings asks what a node has to know.
func (cfg *Config) settings(ctx context.Context, keys *register.Keys) (s Settings, err error) {
	client, err := kubernetes.NewForConfig(keys.REST())
	if err != nil {
		return Settings{}, err
	}
	err = cfg.persist(ctx, "asking for the cluster's settings", func(ctx context.Context) error {
		s, err = readSettings(ctx, client)
		return err
	})
	return s, err
}

// final is an error after which there is no use in trying again.
type final struct{ error }

func (f final) Unwrap() error { return f.error }

// persist does something until it succeeds or ctx ends. What fails is told
// when it changes.
func (cfg *Config) persist(ctx context.Context, what string, do func(context.Context) error) error {
	const attemptLimit = 15 * time.Second
	for said := ""; ; {
		attempt, cancel := context.WithTimeout(ctx, attemptLimit)
		err := do(attempt)
		cancel()
		if stop := (final{}); errors.As(err, &stop) {
			return stop.error
		}
		if err == nil {
			return nil
		}
		err = certs.ClockError(err, time.Now())
		if text := err.Error(); text != said && ctx.Err() == nil {
			cfg.Log.Warn("Not a node yet; trying on", "what", what, "error", text)
			said = text
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", what, err)
		case <-time.After(patience):
		}
	}
}
