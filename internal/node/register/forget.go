package register

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"time"

	"k8s.io/client-go/rest"
)

// forgetOthers removes what is of no use: certificates of another node's name
// or another cluster, whose API server would refuse them, and files that are
// damaged. A bootstrap token can bring new ones.
func (cfg *CredentialsConfig) forgetOthers() error {
	for _, files := range []string{clientFiles, servingFiles} {
		path := cfg.current(files)
		why, err := cfg.useless(path)
		if err != nil {
			return fmt.Errorf("reading %s: %w", path, err)
		}
		if why == "" {
			continue
		}
		cfg.Log.Warn("Asking for a new certificate", "file", path, "reason", why)
		if err := os.Remove(path); err != nil { // the link alone: what it leads to stays, to be looked at
			return err
		}
	}
	return nil
}

// useless says why the certificate at path is none to go on with; empty if it
// is one, or is not there.
func (cfg *CredentialsConfig) useless(path string) (why string, err error) {
	pair, err := tls.LoadX509KeyPair(path, path)
	if errors.Is(err, os.ErrNotExist) {
		_, err := os.Lstat(path)
		if errors.Is(err, os.ErrNotExist) {
			return "", nil
		}
		return "it leads nowhere", err
	}
	if errors.Is(err, os.ErrPermission) {
		return "", err
	}
	if err != nil {
		return "it is damaged", nil
	}
	if name := pair.Leaf.Subject.CommonName; name != nodeUser+cfg.Name {
		return fmt.Sprintf("it is that of %q", name), nil
	}
	if time.Now().After(pair.Leaf.NotAfter) {
		return "it has expired", nil
	}
	pool, err := authorities(cfg.Bootstrap)
	if err != nil || pool == nil {
		return "", err
	}
	if _, err := pair.Leaf.Verify(x509.VerifyOptions{Roots: pool, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}); err != nil {
		return "it is not of this cluster", nil
	}
	return "", nil
}

// authorities are those that the server is verified by, which issue the nodes'
// certificates too; nil if the system's are used.
func authorities(c *rest.Config) (*x509.CertPool, error) {
	data := c.CAData
	if len(data) == 0 && c.CAFile != "" {
		var err error
		if data, err = os.ReadFile(c.CAFile); err != nil {
			return nil, err
		}
	}
	if len(data) == 0 {
		return nil, nil
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(data) {
		return nil, errors.New("the authority of the API server is not a certificate")
	}
	return pool, nil
}
