// Package cluster turns a [Config] into a running cluster: a list of parts,
// started in order and stopped in reverse. It is the one package that knows
// all the others; nobody but the command line imports it (floor 3).
package cluster

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	utilnet "k8s.io/apimachinery/pkg/util/net"

	"github.com/causeway-access/causeway/internal/apiserver/service"
	"github.com/causeway-access/causeway/internal/gateway"
	"github.com/causeway-access/causeway/internal/kubeconfig"
	"github.com/causeway-access/causeway/internal/store"
)

// Config is everything that `causeway up` can be told. The zero value is a
// cluster on port 6443 with its data in the default directory.
type Config struct {
	// DataDir holds all that the cluster keeps. Empty means [DefaultDataDir].
	DataDir string
	// Etcd is the etcd that keeps the objects, which other API servers of the
	// cluster may share. The zero value means one of its own in the data
	// directory. API servers that share one must also have the same authority,
	// signing keys (both below pki in the data directory) and users' files.
	Etcd store.Endpoints
	// Listen is HOST:PORT of the API. Empty means ":6443"; port 0 any free one.
	Listen string
	// AdvertiseAddress is the address by which pods and nodes reach the API.
	// Empty means the listening one or, if that is all of them, the first of
	// this machine that is not loopback.
	AdvertiseAddress string
	// ServiceCIDR and PodCIDR are the ranges of cluster addresses and of pods.
	// Empty means 10.96.0.0/16 and 10.244.0.0/16.
	ServiceCIDR, PodCIDR string
	// ServiceNodePortRange are the ports that services may have on the nodes,
	// FIRST-LAST. Empty means 30000-32767.
	ServiceNodePortRange string
	// DNSListen is IP:PORT of the cluster's DNS server, for UDP and TCP. Empty
	// means that there is none; port 0 any free one.
	DNSListen string
	// Node is this machine as a node of the cluster. With a node there is a DNS
	// server, on a free port of loopback if DNSListen is empty.
	Node NodeConfig
	// Kubeconfig is the file that the context "causeway" is merged into. Empty
	// means the user's own.
	Kubeconfig string
	// HtpasswdFile and HtpasswdGroupsFile hold users with passwords. Empty
	// means files in the data directory with one user, admin.
	HtpasswdFile, HtpasswdGroupsFile string
	// TokensFile holds static tokens. Empty means a file in the data directory
	// with one, of admin.
	TokensFile string
	// AuthenticationConfig is a structured authentication configuration, for OIDC.
	AuthenticationConfig string
	// AuditPolicy is a Kubernetes audit policy. Empty means the built-in one.
	AuditPolicy string
	// AccessLog is the file that gets a line of JSON per request to a target;
	// "-" is standard error. Empty means none, unless the log is verbose.
	AccessLog string
	// TracingConfig is a TracingConfiguration of apiserver.config.k8s.io. Empty
	// means that nothing is traced.
	TracingConfig string
	// ServiceAccountTokenSecrets keeps a Secret with a token for every service
	// account, as clusters before 1.24 did and the documents expect.
	ServiceAccountTokenSecrets bool
	// AllowEndpointCIDRs are ranges of loopback addresses that backends may
	// have though they are refused otherwise.
	AllowEndpointCIDRs []string
	// Limits bound what clients may take.
	Limits Limits
	// ShutdownDelay is how long connections are still accepted when the end has
	// begun and /readyz says so; ShutdownGrace, 10 s if zero, is how long
	// requests under way have after that.
	ShutdownDelay, ShutdownGrace time.Duration
}

// Limits bound what clients may take. The zero value is the defaults, which
// are those of the packages concerned; a negative number of connections or
// requests is no limit.
type Limits struct {
	// MaxConnectionsPerClient is how many connections a client may have, by its
	// address. Zero means half of the files that this process may open, and at
	// most 16384.
	MaxConnectionsPerClient int
	// MaxHeaderBytes bounds the head of a request.
	MaxHeaderBytes int
	// ReadHeaderTimeout bounds the time for it, and IdleTimeout the time
	// between two requests.
	ReadHeaderTimeout, IdleTimeout time.Duration
	// MaxStreams is how many requests an HTTP/2 connection may have under way.
	MaxStreams int
	// Proxy bounds what users may have under way towards targets.
	Proxy gateway.Limits
}

// FlagError is a value that a flag cannot have. It names the flag.
type FlagError struct{ Err error }

func (e *FlagError) Error() string { return e.Err.Error() }

// Unwrap returns what is wrong.
func (e *FlagError) Unwrap() error { return e.Err }

// DefaultDataDir is /var/lib/causeway for root, else causeway in the user's
// data directory (XDG Base Directory Specification).
func DefaultDataDir() string {
	if os.Geteuid() == 0 {
		return "/var/lib/causeway"
	}
	base := os.Getenv("XDG_DATA_HOME")
	if base == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			home = "."
		}
		base = filepath.Join(home, ".local", "share")
	}
	return filepath.Join(base, "causeway")
}

const (
	defaultListen      = ":6443"
	defaultServiceCIDR = "10.96.0.0/16"
	defaultPodCIDR     = "10.244.0.0/16"
	defaultNodePorts   = "30000-32767"
	contextName        = "causeway"
)

// settings are a Config, read and checked.
type settings struct {
	Config
	serviceCIDR, podCIDR netip.Prefix
	nodePorts            utilnet.PortRange
	advertise            netip.Addr // zero: choose when listening
	allowed              []netip.Prefix
}

// settle fills in defaults and checks all that can be checked without doing
// anything. Errors name the flag; those of values are *FlagError.
func (c Config) settle() (*settings, error) {
	s := &settings{Config: c}
	defaults(&s.DataDir, DefaultDataDir())
	defaults(&s.Listen, defaultListen)
	defaults(&s.ServiceCIDR, defaultServiceCIDR)
	defaults(&s.PodCIDR, defaultPodCIDR)
	defaults(&s.ServiceNodePortRange, defaultNodePorts)
	s.Kubeconfig = kubeconfig.UserFile(c.Kubeconfig)
	for _, check := range []func() error{s.checkEtcd, s.settleAddresses, s.settleRanges, s.settleNodePorts, s.checkNode, s.checkDNS, s.settleAllowed, s.checkLimits} {
		if err := check(); err != nil {
			return nil, &FlagError{err}
		}
	}
	var err error
	if s.DataDir, err = filepath.Abs(s.DataDir); err != nil {
		return nil, fmt.Errorf("--data-dir: %w", err)
	}
	return s, c.checkFiles()
}

func (s *settings) settleAddresses() error {
	if err := checkListen(s.Listen); err != nil {
		return fmt.Errorf("--listen %q: %w", s.Listen, err)
	}
	if s.AdvertiseAddress == "" {
		return nil
	}
	var err error
	if s.advertise, err = netip.ParseAddr(s.AdvertiseAddress); err != nil {
		return fmt.Errorf("--advertise-address: %w", err)
	}
	return nil
}

func (s *settings) settleNodePorts() error {
	if err := s.nodePorts.Set(s.ServiceNodePortRange); err != nil {
		return fmt.Errorf("--service-node-port-range: %w", err)
	}
	if s.nodePorts.Base < 1 {
		return fmt.Errorf("--service-node-port-range %s: ports are 1 to 65535, such as %s", s.ServiceNodePortRange, defaultNodePorts)
	}
	return nil
}

func (s *settings) settleRanges() error {
	var err error
	if s.serviceCIDR, err = service.ParseCIDR(s.ServiceCIDR); err != nil {
		return fmt.Errorf("--service-cidr: %w", err)
	}
	if s.podCIDR, err = service.ParseCIDR(s.PodCIDR); err != nil {
		return fmt.Errorf("--pod-cidr: %w", err)
	}
	if s.serviceCIDR.Overlaps(s.podCIDR) {
		return fmt.Errorf("--service-cidr %s and --pod-cidr %s overlap: an address must be of a service or of a pod", s.serviceCIDR, s.podCIDR)
	}
	return nil
}

// loopback are the ranges in which exceptions can be made.
var loopback = [...]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

func (s *settings) settleAllowed() error {
	for _, text := range s.AllowEndpointCIDRs {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return fmt.Errorf("--allow-endpoint-cidr: %w: want a range such as 127.0.0.0/8", err)
		}
		if !slices.ContainsFunc(loopback[:], func(l netip.Prefix) bool { return l.Bits() <= p.Bits() && l.Contains(p.Addr()) }) {
			return fmt.Errorf("--allow-endpoint-cidr %s: want a range within 127.0.0.0/8, or ::1/128: only loopback addresses are refused otherwise and can be allowed", p)
		}
		s.allowed = append(s.allowed, p.Masked())
	}
	return nil
}

// minHeaderBytes has room for a token and a few cookies.
const minHeaderBytes = 4 << 10

func (s *settings) checkLimits() error {
	l := s.Limits
	for _, d := range []struct {
		flag  string
		value time.Duration
	}{
		{"--shutdown-delay-duration", s.ShutdownDelay},
		{"--shutdown-grace-period", s.ShutdownGrace},
		{"--read-header-timeout", l.ReadHeaderTimeout},
		{"--idle-timeout", l.IdleTimeout},
	} {
		if d.value < 0 {
			return fmt.Errorf("%s %s: want no negative time", d.flag, d.value)
		}
	}
	if l.MaxHeaderBytes != 0 && l.MaxHeaderBytes < minHeaderBytes {
		return fmt.Errorf("--max-header-bytes %d: want at least %d", l.MaxHeaderBytes, minHeaderBytes)
	}
	if l.MaxStreams < 0 || l.MaxStreams > 1000 {
		return fmt.Errorf("--http2-max-streams-per-connection %d: want 1 to 1000, or 0 for the default", l.MaxStreams)
	}
	return nil
}

// checkFiles finds files that were named but cannot be read; what is wrong in
// them is said by who reads them.
func (c Config) checkFiles() error {
	for _, file := range []struct{ flag, path string }{
		{"--etcd-cafile", c.Etcd.CAFile},
		{"--etcd-certfile", c.Etcd.CertFile},
		{"--etcd-keyfile", c.Etcd.KeyFile},
		{"--htpasswd-file", c.HtpasswdFile},
		{"--htpasswd-groups-file", c.HtpasswdGroupsFile},
		{"--token-auth-file", c.TokensFile},
		{"--authentication-config", c.AuthenticationConfig},
		{"--audit-policy-file", c.AuditPolicy},
		{"--tracing-config-file", c.TracingConfig},
	} {
		if file.path == "" {
			continue
		}
		f, err := os.Open(file.path)
		if err != nil {
			return fmt.Errorf("%s: %w", file.flag, err)
		}
		f.Close()
	}
	return nil
}

func defaults(s *string, value string) {
	if *s == "" {
		*s = value
	}
}

func checkListen(listen string) error {
	_, port, err := net.SplitHostPort(listen)
	if err != nil {
		return fmt.Errorf("want HOST:PORT: %w", err)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return fmt.Errorf("port %q is not a number from 0 to 65535", port)
	}
	return nil
}
