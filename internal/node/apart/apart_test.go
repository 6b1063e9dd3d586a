//go:build linux && host

package apart_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/causeway-access/causeway/internal/certs"
	"github.com/causeway-access/causeway/internal/node"
	"github.com/causeway-access/causeway/internal/node/apart"
	_ "github.com/causeway-access/causeway/internal/podrun/ns/early"
	"github.com/causeway-access/causeway/test/leak"
	"github.com/causeway-access/causeway/test/locked"
	"github.com/causeway-access/causeway/test/refusing"
)

// TestMain makes this program the process inside, too.
func TestMain(m *testing.M) {
	apart.Main(os.Args)
	leak.Main(m)
}

// patience bounds what must happen, on a machine that has much to do.
const patience = 3 * time.Minute

// files are those of a cluster's authority and of certificates that it has
// issued, with their keys, by name.
func files(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	authority, err := certs.OpenAuthority(dir)
	if err != nil {
		t.Fatal(err)
	}
	for name, leaf := range map[string]certs.Leaf{
		"server": {CommonName: "kube-apiserver", DNSNames: []string{"kubernetes.default.svc"}, Server: true},
		"client": {CommonName: "system:node:worker", Organizations: []string{"system:nodes"}, Client: true},
	} {
		certificate, key, err := authority.Issue(leaf)
		if err != nil {
			t.Fatal(err)
		}
		for suffix, text := range map[string][]byte{".crt": certificate, ".key": key} {
			if err := os.WriteFile(filepath.Join(dir, name+suffix), text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "authority.crt"), authority.CertPEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// settings are an agent's whose API servers are at those addresses.
func settings(t *testing.T, files string, servers ...string) apart.Settings {
	t.Helper()
	// Sockets are below it, whose paths are short.
	dir, err := os.MkdirTemp("", "apart")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	own := func(name string) string { return filepath.Join(files, name) }
	return apart.Settings{
		Name: "worker", Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.10")}, Dir: dir,
		ServiceRanges: []netip.Prefix{netip.MustParsePrefix("10.96.0.0/16")},
		Server:        "https://" + servers[0], Servers: servers, CAFile: own("authority.crt"),
		ClientCert: own("client.crt"), ClientKey: own("client.key"), ServingCert: own("client.crt"), ServingKey: own("client.key"),
	}
}

// TestTheAgentReachesAnAPIServer has the process inside, whose network has no
// way out, ask that of two API servers which is there, as the node.
func TestTheAgentReachesAnAPIServer(t *testing.T) {
	dir := files(t)
	asked := make(chan string, 1)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case asked <- r.TLS.PeerCertificates[0].Subject.CommonName + " asks for " + r.URL.Path:
		default:
		}
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "server.crt"), filepath.Join(dir, "server.key"))
	if err != nil {
		t.Fatal(err)
	}
	authority, err := os.ReadFile(filepath.Join(dir, "authority.crt"))
	if err != nil {
		t.Fatal(err)
	}
	clients := x509.NewCertPool()
	clients.AppendCertsFromPEM(authority)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, ClientCAs: clients, ClientAuth: tls.RequireAndVerifyClientCert}
	server.StartTLS()
	defer server.Close()

	var log locked.Buffer
	agent := apart.New(settings(t, dir, refusing.Address(t, "127.0.0.1").String(), server.Listener.Addr().String()), slog.New(slog.NewTextHandler(&log, nil)))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- agent.Run(ctx) }()
	select {
	case got := <-asked:
		if want := "system:node:worker asks for /api/v1/nodes/worker"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
	case err := <-ended:
		t.Fatalf("it has ended: %v\n%s", err, &log)
	case <-time.After(patience):
		t.Fatalf("nobody asks\n%s", &log)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("when it is told to end: %v\n%s", err, &log)
	}
	select {
	case <-agent.Ready():
		t.Error("it is ready, though no API server knows the node")
	default:
	}
}

func TestWhyTheAgentEndsIsSaid(t *testing.T) {
	s := settings(t, files(t), "127.0.0.1:6443")
	s.CAFile = filepath.Join(s.Dir, "nowhere")
	var log locked.Buffer
	err := apart.New(s, slog.New(slog.NewTextHandler(&log, nil))).Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "in namespaces of its own") {
		t.Errorf("it has ended with %v", err)
	}
	if text := log.String(); !strings.Contains(text, "level=ERROR") || !strings.Contains(text, s.CAFile) {
		t.Errorf("logged is %q, want the file's name", text)
	}
}

func TestWhereNoPodsAreNoneAreEnded(t *testing.T) {
	dir := settings(t, t.TempDir(), "127.0.0.1:6443").Dir
	for _, has := range []string{"nothing", "run of an agent"} {
		var log locked.Buffer
		ended, err := apart.EndPods(t.Context(), dir, time.Second, slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil || ended == nil || len(ended) > 0 {
			t.Errorf("in a directory that has %s: %v, %v\n%s", has, ended, err, &log)
		}
		if err := os.MkdirAll(filepath.Join(dir, node.RunDir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
}
