package forward

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// lookEvery is how often resolv.conf is looked at for changes: a laptop that
// goes to another network gets other servers.
const lookEvery = 5 * time.Second

// errNone says that there is nobody to ask.
var errNone = errors.New("there is no upstream server to ask")

// asker asks one server.
type asker func(ctx context.Context, server netip.AddrPort, q Query) (*dns.Msg, error)

// upstreams are the servers to ask.
type upstreams struct {
	file  string // empty if the servers are given
	fixed []netip.AddrPort
	own   func(netip.AddrPort) bool
	ask   asker
	log   *slog.Logger

	mu      sync.Mutex
	looked  time.Time
	changed time.Time // of the file, when it was read
	servers []netip.AddrPort
	probes  map[string]netip.AddrPort // by name; the answers are on their way
}

func newUpstreams(cfg Config, ask asker) *upstreams {
	u := &upstreams{fixed: cfg.Servers, own: cfg.Own, ask: ask, log: cfg.Logger, probes: map[string]netip.AddrPort{}}
	if u.log == nil {
		u.log = slog.Default()
	}
	if u.own == nil {
		u.own = func(netip.AddrPort) bool { return false }
	}
	if len(cfg.Servers) == 0 {
		u.file = cmp.Or(cfg.ResolvConf, "/etc/resolv.conf")
	}
	return u
}

// current returns the servers, the one to ask first first.
func (u *upstreams) current() ([]netip.AddrPort, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.looked.IsZero() || u.file != "" && time.Since(u.looked) > lookEvery {
		u.look()
	}
	if len(u.servers) == 0 {
		return nil, u.nobody()
	}
	return slices.Clone(u.servers), nil
}

func (u *upstreams) nobody() error {
	if u.file == "" {
		return errNone
	}
	return fmt.Errorf("%w: %s names none but this server itself", errNone, u.file)
}

// look takes the servers over if they may have changed. The caller holds mu.
func (u *upstreams) look() {
	u.looked = time.Now()
	if u.file == "" {
		u.take(u.fixed)
		return
	}
	info, err := os.Stat(u.file)
	if err == nil && info.ModTime().Equal(u.changed) {
		return
	}
	var servers []netip.AddrPort
	if err == nil {
		u.changed = info.ModTime()
		servers, err = readResolvConf(u.file)
	}
	if err != nil {
		u.log.Warn("Names outside of the cluster cannot be asked for", "file", u.file, "error", err)
		return
	}
	u.take(servers)
}

// take uses those servers from now on that are not this one.
func (u *upstreams) take(servers []netip.AddrPort) {
	u.servers = slices.DeleteFunc(slices.Clone(servers), u.own)
	clear(u.probes)
	for _, server := range u.servers {
		u.probe(server)
	}
}

// knew has a server asked first next time.
func (u *upstreams) knew(server netip.AddrPort) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if i := slices.Index(u.servers, server); i > 0 {
		u.servers = slices.Insert(slices.Delete(u.servers, i, i+1), 0, server)
	}
}

// readResolvConf returns the servers that a resolv.conf(5) names.
func readResolvConf(path string) ([]netip.AddrPort, error) {
	cfg, err := dns.ClientConfigFromFile(path)
	if err != nil {
		return nil, err
	}
	port, err := strconv.ParseUint(cfg.Port, 10, 16)
	if err != nil {
		return nil, err
	}
	var servers []netip.AddrPort
	for _, text := range cfg.Servers {
		addr, err := netip.ParseAddr(text)
		if err != nil {
			continue // as resolvers do
		}
		servers = append(servers, netip.AddrPortFrom(addr.Unmap(), uint16(port)))
	}
	return servers, nil
}
