package register

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/certificate"
	"k8s.io/klog/v2"
)

// CredentialsConfig says who asks for certificates and by what right. Name, Dir
// and Bootstrap are required.
type CredentialsConfig struct {
	// Name is that of the Node object: the user becomes system:node:NAME.
	Name string
	// Dir is where keys and certificates are kept, for the owner alone. What
	// is there from an earlier time is used as long as it is good.
	Dir string
	// Bootstrap reaches the API server with a bootstrap token, and knows its
	// authority. The token is used only while there is no good certificate.
	Bootstrap *rest.Config
	// Addresses and Hostname are those of the node's own API, for its serving
	// certificate. None is asked for if there are none.
	Addresses []netip.Addr
	Hostname  string
	// Life is that asked for; the signer's choice if zero.
	Life time.Duration
	// Log is slog.Default() if nil.
	Log *slog.Logger
}

// Keys are the certificates by which a node and the API server know each
// other. They are renewed while the process runs, at 70 to 90 % of their life.
type Keys struct {
	rest    *rest.Config
	serving certificate.Manager // nil without names to serve
}

const (
	nodeUser  = "system:node:"
	nodeGroup = "system:nodes"
	// The files are NAME-current.pem, a link to certificate and key in one.
	clientFiles   = "kubelet-client"
	servingFiles  = "kubelet-server"
	currentSuffix = "-current.pem"
)

// Credentials finds the node's client certificate or waits until it has been
// issued, and begins to ask for its serving certificate. Both go on being
// renewed until ctx ends.
//
// The cluster approves client certificates by itself. A serving certificate it
// approves when the Node object is there and says that the addresses are its
// own; until then, and if it may not have them, [Keys.GetCertificate] fails.
func Credentials(ctx context.Context, cfg CredentialsConfig) (*Keys, error) {
	keys, err := credentials(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("getting the certificates of node %s: %w", cfg.Name, err)
	}
	return keys, nil
}

func credentials(ctx context.Context, cfg CredentialsConfig) (*Keys, error) {
	if cfg.Name == "" || cfg.Dir == "" || cfg.Bootstrap == nil {
		return nil, errors.New("Name, Dir and Bootstrap are required")
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, err
	}
	if err := cfg.forgetOthers(); err != nil {
		return nil, err
	}
	file, err := cfg.awaitClient(ctx)
	if err != nil {
		return nil, err
	}
	// From the file, since client-go looks at it again and connects anew when
	// it changes.
	k := &Keys{rest: rest.AnonymousClientConfig(cfg.Bootstrap)}
	k.rest.CertFile, k.rest.KeyFile = file, file
	if len(cfg.Addresses) > 0 || cfg.Hostname != "" {
		k.serving, err = cfg.serve(ctx, k.rest)
	}
	return k, err
}

// REST reaches the API server as the node.
func (k *Keys) REST() *rest.Config { return rest.CopyConfig(k.rest) }

// Files are those of the certificates, for another process: each has the
// certificate and its key, and that for serving need not be there yet.
func (k *Keys) Files() (client, serving string) {
	return k.rest.CertFile, filepath.Join(filepath.Dir(k.rest.CertFile), servingFiles+currentSuffix)
}

// GetCertificate is for the tls.Config of the node's own API.
func (k *Keys) GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	if k.serving == nil {
		return nil, errors.New("no serving certificate was asked for")
	}
	if current := k.serving.Current(); current != nil {
		return current, nil
	}
	return nil, errors.New("the serving certificate has not been issued yet: see `kubectl get certificatesigningrequests`")
}

// awaitClient has a manager keep the client certificate, waits until it has
// one, and returns its file.
func (cfg *CredentialsConfig) awaitClient(ctx context.Context) (string, error) {
	m, store, err := cfg.manage(ctx, clientFiles, certificate.Config{
		SignerName: certificatesv1.KubeAPIServerClientKubeletSignerName,
		Template:   &x509.CertificateRequest{Subject: cfg.subject()},
		GetUsages:  certificate.DefaultKubeletClientGetUsages,
		ClientsetFn: func(current *tls.Certificate) (kubernetes.Interface, error) {
			if current == nil {
				return kubernetes.NewForConfig(cfg.Bootstrap)
			}
			own := rest.AnonymousClientConfig(cfg.Bootstrap)
			file := cfg.current(clientFiles)
			own.CertFile, own.KeyFile = file, file
			return kubernetes.NewForConfig(own)
		},
	})
	if err != nil {
		return "", err
	}
	if m.Current() == nil {
		cfg.Log.Info("Waiting for the node's client certificate", "node", cfg.Name, "server", cfg.Bootstrap.Host)
	}
	const look = 50 * time.Millisecond // a manager has no way to tell
	for ticker := time.NewTicker(look); m.Current() == nil; {
		select {
		case <-ctx.Done():
			ticker.Stop()
			return "", fmt.Errorf("no client certificate was issued: is the bootstrap token good, and does the request show in `kubectl get certificatesigningrequests`? %w", ctx.Err())
		case <-ticker.C:
		}
	}
	return store.CurrentPath(), nil
}

// serve has a manager keep the serving certificate.
func (cfg *CredentialsConfig) serve(ctx context.Context, own *rest.Config) (certificate.Manager, error) {
	request := &x509.CertificateRequest{Subject: cfg.subject()}
	for _, address := range cfg.Addresses {
		request.IPAddresses = append(request.IPAddresses, net.IP(address.AsSlice()))
	}
	if cfg.Hostname != "" {
		request.DNSNames = []string{cfg.Hostname}
	}
	m, _, err := cfg.manage(ctx, servingFiles, certificate.Config{
		SignerName:  certificatesv1.KubeletServingSignerName,
		Template:    request,
		GetUsages:   certificate.DefaultKubeletServingGetUsages,
		ClientsetFn: func(*tls.Certificate) (kubernetes.Interface, error) { return kubernetes.NewForConfig(own) },
	})
	return m, err
}

// manage starts a manager whose certificates are in files of that name.
func (cfg *CredentialsConfig) manage(ctx context.Context, files string, c certificate.Config) (certificate.Manager, certificate.FileStore, error) {
	store, err := certificate.NewFileStoreWithLogger(klog.Background().V(2), files, cfg.Dir, cfg.Dir, "", "")
	if err != nil {
		return nil, nil, err
	}
	c.CertificateStore, c.Name, c.Ctx = store, files, &ctx
	if cfg.Life > 0 {
		c.RequestedCertificateLifetime = &cfg.Life
	}
	m, err := certificate.NewManager(&c)
	if err != nil {
		return nil, nil, err
	}
	m.Start()
	return m, store, nil
}

func (cfg *CredentialsConfig) subject() pkix.Name {
	return pkix.Name{CommonName: nodeUser + cfg.Name, Organization: []string{nodeGroup}}
}

func (cfg *CredentialsConfig) current(files string) string {
	return filepath.Join(cfg.Dir, files+currentSuffix)
}
