// Package pin gets to know a server whose certificate authority is not known
// yet: it looks at the certificates that the server shows, says which of them
// is worth trusting, and checks a fingerprint that the user got by another way.
// The fingerprint alone decides. Nothing secret is sent before.
//
// It is a part of certs, on floor F1.
package pin

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/yaml"
)

const (
	// patience bounds one request to a server.
	patience = 15 * time.Second
	// published is where clusters made by kubeadm, and Causeway's, tell
	// newcomers of their authority; some do without credentials.
	published = "/api/v1/namespaces/" + metav1.NamespacePublic + "/configmaps/cluster-info"
	// maxPublished bounds what is read of it.
	maxPublished = 1 << 20
	// longest is how many certificates of a chain are looked at.
	longest = 16
)

// Shown is what a server shows of itself.
type Shown struct {
	// Name is the host name or address that the certificate has to be for.
	Name string
	// Path leads from the server's own certificate up to the topmost one that
	// is known of; each is signed by the next. Certificates that were shown
	// but are on no path are left out.
	Path []*x509.Certificate
}

// Look fetches what the server shows. Its name is checked for serverName, or if
// that is empty for the host of the URL. Where the chain does not reach an
// authority, the server is asked, without credentials, for the one it
// publishes; that counts only if it signed the chain.
func Look(ctx context.Context, server *url.URL, serverName string) (*Shown, error) {
	s := &Shown{Name: serverName}
	if s.Name == "" {
		s.Name = server.Hostname()
	}
	var chain []*x509.Certificate
	client := curious(s.Name, func(shown []*x509.Certificate) { chain = shown })
	defer client.CloseIdleConnections()
	body, err := fetch(ctx, client, server.JoinPath(published).String())
	if len(chain) == 0 {
		return nil, err
	}
	s.Path = path(chain[:min(len(chain), longest)])
	if top := s.Top(); !isRoot(top) && err == nil {
		s.Path = append(s.Path, signers(top, body)...)
	}
	return s, nil
}

// curious is a client that trusts everybody and tells what was shown. It has
// no credentials to give away, and what it reads is not believed.
func curious(name string, tell func([]*x509.Certificate)) *http.Client {
	config := &tls.Config{
		ServerName:         name,
		InsecureSkipVerify: true,
		VerifyConnection: func(state tls.ConnectionState) error {
			tell(state.PeerCertificates)
			return nil
		},
	}
	return &http.Client{
		Timeout:       patience,
		Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: config, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func fetch(ctx context.Context, client *http.Client, address string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "application/json")
	resp, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, errors.New(resp.Status)
	}
	return io.ReadAll(io.LimitReader(resp.Body, maxPublished))
}

// signers are the authority that the config map cluster-info publishes, if it
// signed cert.
func signers(cert *x509.Certificate, configMap []byte) []*x509.Certificate {
	var m struct {
		Data struct {
			Kubeconfig string `json:"kubeconfig"`
		} `json:"data"`
	}
	if yaml.Unmarshal(configMap, &m) != nil {
		return nil
	}
	config, err := clientcmd.Load([]byte(m.Data.Kubeconfig))
	if err != nil {
		return nil
	}
	for _, cluster := range config.Clusters {
		if cluster == nil {
			continue
		}
		for _, authority := range parsePEM(cluster.CertificateAuthorityData) {
			if cert.CheckSignatureFrom(authority) == nil {
				return []*x509.Certificate{authority}
			}
		}
	}
	return nil
}
