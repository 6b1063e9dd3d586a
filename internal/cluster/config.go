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
	"strconv"

	"github.com/causeway-access/causeway/internal/apiserver/service"
	"github.com/causeway-access/causeway/internal/kubeconfig"
)

// Config is everything that `causeway up` can be told. The zero value is a
// cluster on port 6443 with its data in the default directory.
type Config struct {
	// DataDir holds all that the cluster keeps. Empty means [DefaultDataDir].
	DataDir string
	// Listen is HOST:PORT of the API. Empty means ":6443"; port 0 any free one.
	Listen string
	// AdvertiseAddress is the address by which pods and nodes reach the API.
	// Empty means the listening one or, if that is all of them, the first of
	// this machine that is not loopback.
	AdvertiseAddress string
	// ServiceCIDR and PodCIDR are the ranges of cluster addresses and of pods.
	// Empty means 10.96.0.0/16 and 10.244.0.0/16.
	ServiceCIDR, PodCIDR string
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
	// ServiceAccountTokenSecrets keeps a Secret with a token for every service
	// account, as clusters before 1.24 did and the documents expect.
	ServiceAccountTokenSecrets bool
	// AllowEndpointCIDRs are ranges that backends may be in though they are
	// refused otherwise, such as loopback.
	AllowEndpointCIDRs []string
}

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
	firstNodePort      = 30000
	lastNodePort       = 32767
	contextName        = "causeway"
)

// settings are a Config, read and checked.
type settings struct {
	Config
	serviceCIDR, podCIDR netip.Prefix
	advertise            netip.Addr // zero: choose when listening
	allowed              []netip.Prefix
}

// settle fills in defaults and checks all that can be checked without doing
// anything. Errors name the flag.
func (c Config) settle() (*settings, error) {
	s := &settings{Config: c}
	defaults(&s.DataDir, DefaultDataDir())
	defaults(&s.Listen, defaultListen)
	defaults(&s.ServiceCIDR, defaultServiceCIDR)
	defaults(&s.PodCIDR, defaultPodCIDR)
	s.Kubeconfig = kubeconfig.UserFile(c.Kubeconfig)
	var err error
	if s.DataDir, err = filepath.Abs(s.DataDir); err != nil {
		return nil, fmt.Errorf("--data-dir: %w", err)
	}
	if err := checkListen(s.Listen); err != nil {
		return nil, fmt.Errorf("--listen %q: %w", s.Listen, err)
	}
	if s.serviceCIDR, err = service.ParseCIDR(s.ServiceCIDR); err != nil {
		return nil, fmt.Errorf("--service-cidr: %w", err)
	}
	if s.podCIDR, err = service.ParseCIDR(s.PodCIDR); err != nil {
		return nil, fmt.Errorf("--pod-cidr: %w", err)
	}
	if s.serviceCIDR.Overlaps(s.podCIDR) {
		return nil, fmt.Errorf("--service-cidr %s and --pod-cidr %s overlap: an address must be of a service or of a pod", s.serviceCIDR, s.podCIDR)
	}
	if c.AdvertiseAddress != "" {
		if s.advertise, err = netip.ParseAddr(c.AdvertiseAddress); err != nil {
			return nil, fmt.Errorf("--advertise-address: %w", err)
		}
	}
	for _, text := range c.AllowEndpointCIDRs {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("--allow-endpoint-cidr: %w", err)
		}
		s.allowed = append(s.allowed, p.Masked())
	}
	return s, c.checkFiles()
}

// checkFiles finds files that were named but cannot be read; what is wrong in
// them is said by who reads them.
func (c Config) checkFiles() error {
	for _, file := range []struct{ flag, path string }{
		{"--htpasswd-file", c.HtpasswdFile},
		{"--htpasswd-groups-file", c.HtpasswdGroupsFile},
		{"--token-auth-file", c.TokensFile},
		{"--authentication-config", c.AuthenticationConfig},
		{"--audit-policy-file", c.AuditPolicy},
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
