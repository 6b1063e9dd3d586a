package userspace

import (
	"context"
	"net"
	"net/netip"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/causeway-access/causeway/internal/svcproxy"
)

// ears open ports, in the network that they are of.
type ears struct {
	listen       func(ctx context.Context, network, address string) (net.Listener, error)
	listenPacket func(ctx context.Context, network, address string) (*net.UDPConn, error)
}

// openTimeout bounds the opening of one port: where another process does it, that
// may have much to do, and other ports are not to wait.
const openTimeout = 3 * time.Second

// streams opens a port of TCP.
func (e ears) streams(ctx context.Context, at netip.AddrPort) (net.Listener, error) {
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	return e.listen(ctx, "tcp4", at.String())
}

// packets opens one of UDP.
func (e ears) packets(ctx context.Context, at netip.AddrPort) (*net.UDPConn, error) {
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	return e.listenPacket(ctx, "udp4", at.String())
}

// ownEars listen in this process' network.
func ownEars() ears {
	return ears{
		listen: new(net.ListenConfig).Listen,
		listenPacket: func(ctx context.Context, network, address string) (*net.UDPConn, error) {
			c, err := new(net.ListenConfig).ListenPacket(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return c.(*net.UDPConn), nil
		},
	}
}

// port is where a rule's key is listened on.
type port interface {
	// follow has what comes from now on go by another rule.
	follow(rule *svcproxy.Rule)
	// close stops listening. Streams that are under way go on.
	close()
}

// ports are those that rules of one kind have. They belong to one goroutine.
type ports struct {
	proxy *Proxy
	// ears are what a port is opened by.
	ears    func(svcproxy.Key) ears
	open    map[svcproxy.Key]port
	waiting map[svcproxy.Key]*late
}

// late is a rule whose port could not be opened.
type late struct {
	rule   *svcproxy.Rule
	failed func(error) // hears of each new reason
	why    string
}

func (p *Proxy) newPorts(of func(svcproxy.Key) ears) *ports {
	return &ports{proxy: p, ears: of, open: map[svcproxy.Key]port{}, waiting: map[svcproxy.Key]*late{}}
}

// set has a rule followed. Without endpoints nothing listens: the kernel then
// refuses what comes, at once. failed hears why its port cannot be opened.
func (s *ports) set(ctx context.Context, rule *svcproxy.Rule, failed func(error)) {
	open, is := s.open[rule.Key]
	switch {
	case rule.Key.Protocol == corev1.ProtocolSCTP:
		s.proxy.log.Warn("A port of SCTP cannot be proxied here: it is refused", "port", rule.Port, "address", rule.Key)
	case len(rule.Endpoints) == 0:
		s.drop(rule.Key)
	case is:
		open.follow(rule)
	default:
		l := &late{rule: rule, failed: failed}
		if before := s.waiting[rule.Key]; before != nil && before.rule.Port == rule.Port {
			l.why = before.why
		}
		s.waiting[rule.Key] = l
		s.try(ctx, l)
	}
}

// try opens a port that waits for it.
func (s *ports) try(ctx context.Context, l *late) {
	key := l.rule.Key
	open, err := s.openPort(ctx, l.rule)
	if err == nil {
		s.open[key] = open
		s.proxy.listening.Store(key, true)
		delete(s.waiting, key)
		if l.why != "" {
			s.proxy.log.Info("A port that could not be opened is open now", "port", l.rule.Port, "address", key)
		}
		return
	}
	if why := err.Error(); why != l.why && ctx.Err() == nil {
		l.why = why
		s.proxy.log.Warn("A port cannot be opened; it is tried again", "port", l.rule.Port, "address", key, "error", err)
		l.failed(err)
	}
}

// retry tries what could not be opened again.
func (s *ports) retry(ctx context.Context) {
	for _, l := range s.waiting {
		s.try(ctx, l)
	}
}

func (s *ports) openPort(ctx context.Context, rule *svcproxy.Rule) (port, error) {
	if rule.Key.Protocol == corev1.ProtocolUDP {
		return s.proxy.openPackets(ctx, rule, s.ears(rule.Key))
	}
	return s.proxy.openStreams(ctx, rule, s.ears(rule.Key))
}

func (s *ports) drop(key svcproxy.Key) {
	delete(s.waiting, key)
	if open, is := s.open[key]; is {
		open.close()
		delete(s.open, key)
		s.proxy.listening.Delete(key)
	}
}

func (s *ports) closeAll() {
	for key := range s.open {
		s.drop(key)
	}
}
