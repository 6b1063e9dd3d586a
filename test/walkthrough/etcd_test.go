package walkthrough

import (
	"net"
	"net/url"
	"os"
	"os/exec"
	"testing"

	"go.etcd.io/etcd/server/v3/embed"

	"github.com/causeway-access/causeway/internal/certs"
)

// secured is an etcd as one is run for a control plane: over TLS, for those who
// show a certificate of its authority.
type secured struct {
	home
	url string
}

// TestAnEtcdElsewhereIsReachedOverTLS uses such an etcd, and is told what is
// wrong with certificates that are not for it.
func TestAnEtcdElsewhereIsReachedOverTLS(t *testing.T) {
	t.Parallel()
	etcd := startSecured(t)
	h := newHome(t)
	up := func(ca, client string) *exec.Cmd {
		return h.up("--etcd-servers", etcd.url, "--etcd-cafile", etcd.path(ca, "ca.crt"),
			"--etcd-certfile", etcd.path(client+".crt"), "--etcd-keyfile", etcd.path(client+".key"))
	}
	etcd.authority(t, "other").issue(t, etcd.home, "stranger", certs.Leaf{CommonName: "stranger", Client: true})
	const advice = "are --etcd-servers and the certificates for it right?"
	refuses(t, up("other", "client"), 1, "certificate signed by unknown authority", advice)
	refuses(t, up("own", "stranger"), 1, "tls: ", advice)

	first := start(t, up("own", "client"))
	createConfigMap(t, first, "kept")
	if err := first.kill(); err != nil {
		t.Fatal(err)
	}
	hasConfigMaps(t, start(t, up("own", "client")), "kept")
}

// authority is one of certificates, in a directory of the home.
type authority struct{ *certs.Authority }

func (h home) authority(t *testing.T, name string) authority {
	t.Helper()
	a, err := certs.OpenAuthority(h.path(name))
	if err != nil {
		t.Fatal(err)
	}
	return authority{a}
}

// issue writes a certificate and its key into the home.
func (a authority) issue(t *testing.T, h home, name string, leaf certs.Leaf) {
	t.Helper()
	cert, key, err := a.Issue(leaf)
	if err != nil {
		t.Fatal(err)
	}
	for path, text := range map[string][]byte{h.path(name + ".crt"): cert, h.path(name + ".key"): key} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func startSecured(t *testing.T) secured {
	t.Helper()
	h := newHome(t)
	own := h.authority(t, "own")
	loopback := net.IPv4(127, 0, 0, 1)
	// An etcd is a client of itself, by its own certificate.
	own.issue(t, h, "server", certs.Leaf{CommonName: "etcd", IPs: []net.IP{loopback}, Server: true, Client: true})
	own.issue(t, h, "client", certs.Leaf{CommonName: "apiserver", Client: true})
	c := embed.NewConfig()
	c.Dir, c.LogLevel = h.path("etcd"), "error"
	anywhere, peers := url.URL{Scheme: "https", Host: "127.0.0.1:0"}, url.URL{Scheme: "unix", Path: h.path("peers")}
	c.ListenClientUrls, c.AdvertiseClientUrls = []url.URL{anywhere}, []url.URL{anywhere}
	c.ListenPeerUrls, c.AdvertisePeerUrls = []url.URL{peers}, []url.URL{peers}
	c.InitialCluster = c.InitialClusterFromName(c.Name)
	c.ClientTLSInfo.CertFile, c.ClientTLSInfo.KeyFile = h.path("server.crt"), h.path("server.key")
	c.ClientTLSInfo.TrustedCAFile, c.ClientTLSInfo.ClientCertAuth = h.path("own", "ca.crt"), true
	etcd, err := embed.StartEtcd(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(etcd.Close)
	<-etcd.Server.ReadyNotify()
	return secured{h, "https://" + etcd.Clients[0].Addr().String()}
}
