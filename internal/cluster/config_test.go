package cluster

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/causeway-access/causeway/internal/store"
)

func TestSettleNamesTheFlagAtFault(t *testing.T) {
	for _, tt := range []struct {
		name string
		cfg  Config
		want string
	}{
		{"nothing given", Config{}, ""},
		{"port 0", Config{Listen: "127.0.0.1:0"}, ""},
		{"all addresses", Config{Listen: ":7443"}, ""},
		{"no port", Config{Listen: "127.0.0.1"}, `--listen "127.0.0.1": want HOST:PORT`},
		{"a port by name", Config{Listen: ":https"}, `port "https" is not a number from 0 to 65535`},
		{"a port too high", Config{Listen: ":65536"}, `port "65536" is not a number from 0 to 65535`},
		{"services without a prefix", Config{ServiceCIDR: "10.96.0.0"}, "--service-cidr: "},
		{"services with host bits", Config{ServiceCIDR: "10.96.0.1/16"}, "--service-cidr: 10.96.0.1/16 has bits set after its prefix: did you mean 10.96.0.0/16?"},
		{"too few services", Config{ServiceCIDR: "10.96.0.0/30"}, "--service-cidr: 10.96.0.0/30 holds fewer than 16 addresses"},
		{"pods not a range", Config{PodCIDR: "pods"}, "--pod-cidr: "},
		{"node ports that are none", Config{ServiceNodePortRange: "many"}, "--service-node-port-range: "},
		{"node ports from last to first", Config{ServiceNodePortRange: "32767-30000"}, "--service-node-port-range: end port cannot be less than start port: 32767-30000"},
		{"node ports beyond the last", Config{ServiceNodePortRange: "30000-70000"}, "--service-node-port-range: the port range cannot be greater than 65535: 30000-70000"},
		{"node port 0", Config{ServiceNodePortRange: "0-100"}, "--service-node-port-range 0-100: ports are 1 to 65535, such as 30000-32767"},
		{"few node ports", Config{ServiceNodePortRange: "20000-20003"}, ""},
		{"overlap", Config{ServiceCIDR: "10.0.0.0/8"}, "--service-cidr 10.0.0.0/8 and --pod-cidr 10.244.0.0/16 overlap"},
		{"advertise a name", Config{AdvertiseAddress: "master"}, "--advertise-address: "},
		{"allow no range", Config{AllowEndpointCIDRs: []string{"127.0.0.1"}}, "--allow-endpoint-cidr: "},
		{"allow what is allowed", Config{AllowEndpointCIDRs: []string{"127.0.0.0/8", "10.0.0.0/8"}}, "--allow-endpoint-cidr 10.0.0.0/8: want a range within 127.0.0.0/8"},
		{"allow everything", Config{AllowEndpointCIDRs: []string{"0.0.0.0/0"}}, "--allow-endpoint-cidr 0.0.0.0/0: "},
		{"allow loopback", Config{AllowEndpointCIDRs: []string{"127.0.0.0/8", "127.1.2.0/24", "::1/128"}}, ""},
		{"etcd by an address", Config{Etcd: store.Endpoints{Servers: []string{"10.0.0.1:2379"}}}, `--etcd-servers`},
		{"etcd by a name alone", Config{Etcd: store.Endpoints{Servers: []string{"etcd"}}}, `--etcd-servers "etcd": want a URL such as https://10.0.0.1:2379`},
		{"two of etcd", Config{Etcd: store.Endpoints{Servers: []string{"https://10.0.0.1:2379", "https://etcd.example:2379"}}}, ""},
		{"etcd by a socket", Config{Etcd: store.Endpoints{Servers: []string{"unix:///run/etcd.sock"}}}, ""},
		{"half of a certificate", Config{Etcd: store.Endpoints{Servers: []string{"https://10.0.0.1:2379"}, CertFile: "c"}}, "--etcd-certfile and --etcd-keyfile belong together"},
		{"a certificate for no etcd", Config{Etcd: store.Endpoints{CAFile: "ca"}}, "--etcd-servers, which is not given"},
		{"DNS on loopback", Config{DNSListen: "127.0.0.1:10053"}, ""},
		{"DNS everywhere", Config{DNSListen: ":53"}, ""},
		{"DNS in the smallest range", Config{DNSListen: ":53", ServiceCIDR: "10.96.0.0/28"}, ""},
		{"DNS without a port", Config{DNSListen: "127.0.0.1"}, `--dns-listen "127.0.0.1": want HOST:PORT`},
		{"DNS by a name", Config{DNSListen: "localhost:53"}, `--dns-listen "localhost:53": `},
		{"a short head", Config{Limits: Limits{MaxHeaderBytes: 100}}, "--max-header-bytes 100: want at least 4096"},
		{"a negative time", Config{ShutdownDelay: -1}, "--shutdown-delay-duration -1ns"},
		{"negative streams", Config{Limits: Limits{MaxStreams: -1}}, "--http2-max-streams-per-connection -1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := tt.cfg.settle()
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got  %v\nwant %q", err, tt.want)
			}
			if err != nil && !errors.As(err, new(*FlagError)) {
				t.Errorf("%T is no error of a flag", err)
			}
		})
	}
}

func TestLocate(t *testing.T) {
	for _, tt := range []struct{ listen, bound, advertise, local, advertised string }{
		{"127.0.0.1:6443", "127.0.0.1:6443", "", "127.0.0.1:6443", "127.0.0.1:6443"},
		{"10.1.2.3:0", "10.1.2.3:40000", "", "10.1.2.3:40000", "10.1.2.3:40000"},
		{":6443", "[::]:6443", "10.9.9.9", "127.0.0.1:6443", "10.9.9.9:6443"},
		{"0.0.0.0:6443", "0.0.0.0:6443", "10.9.9.9", "127.0.0.1:6443", "10.9.9.9:6443"},
		{"[::1]:6443", "[::1]:6443", "", "[::1]:6443", "[::1]:6443"},
	} {
		s, err := Config{Listen: tt.listen, AdvertiseAddress: tt.advertise}.settle()
		if err != nil {
			t.Fatal(err)
		}
		c := &Cluster{settings: s}
		at, err := c.locate(netip.MustParseAddrPort(tt.bound))
		if err != nil {
			t.Fatal(err)
		}
		if at.local.String() != tt.local || at.advertised.String() != tt.advertised {
			t.Errorf("listening on %s, advertising %q: local %s advertised %s, want %s and %s",
				tt.listen, tt.advertise, at.local, at.advertised, tt.local, tt.advertised)
		}
	}
}
