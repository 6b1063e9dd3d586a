package cluster

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/causeway-access/causeway/internal/certs"
	"github.com/causeway-access/causeway/internal/kubeconfig"
	"github.com/causeway-access/causeway/internal/privatefile"
)

const (
	adminUser  = "admin"
	adminGroup = "system:masters"
)

// prepareCredentials makes what the first administrator comes with: a client
// certificate, a token, and a password for browsers and clients of 2014.
func (c *Cluster) prepareCredentials(context.Context) error {
	ctx, cancel := context.WithCancel(context.Background())
	c.onStop(func(context.Context) error { cancel(); return nil })
	var err error
	c.admin, err = certs.Keep(ctx, c.authority, certs.KeepConfig{Dir: c.path("pki"), Name: "admin", Log: c.log, Leaf: certs.Leaf{
		CommonName: adminUser, Organizations: []string{adminGroup}, Client: true,
	}})
	if err != nil {
		return err
	}
	if c.TokensFile == "" {
		c.TokensFile = c.path("tokens", "tokens.csv")
		if err := c.firstToken(); err != nil {
			return err
		}
	}
	if c.HtpasswdFile == "" {
		c.HtpasswdFile, c.HtpasswdGroupsFile = c.path("htpasswd"), c.path("htpasswd.groups")
		return c.firstPassword()
	}
	return nil
}

// firstToken writes a token of the administrator, alone in a file to be used
// in commands, and with its user in the file that the server reads.
func (c *Cluster) firstToken() error {
	if exists(c.TokensFile) {
		return nil
	}
	token := rand.Text()
	if err := privatefile.Write(c.path("tokens", adminUser), []byte(token)); err != nil {
		return err
	}
	line := fmt.Sprintf("%s,%s,%s,%q\n", token, adminUser, adminUser, adminGroup)
	return privatefile.Write(c.TokensFile, []byte(line))
}

// firstPassword gives the administrator a password. It stands readable in
// kubernetes_auth alone; if that file is gone, so is the password, and a new
// one is made.
func (c *Cluster) firstPassword() error {
	if auth, err := kubeconfig.ReadAuth(c.authFile()); err == nil && auth.Password != "" && exists(c.HtpasswdFile) {
		c.password = auth.Password
		return nil
	}
	if exists(c.HtpasswdFile) && exists(c.authFile()) {
		return nil // somebody keeps users of his own and took the password out
	}
	c.password = rand.Text()
	hash, err := bcrypt.GenerateFromPassword([]byte(c.password), bcrypt.DefaultCost)
	if err != nil {
		return fmt.Errorf("hashing the first password: %w", err)
	}
	others, err := otherUsers(c.HtpasswdFile)
	if err != nil {
		return err
	}
	line := []byte(adminUser + ":" + string(hash) + "\n")
	if err := privatefile.Write(c.HtpasswdFile, append(line, others...)); err != nil {
		return err
	}
	if exists(c.HtpasswdGroupsFile) {
		return nil
	}
	return privatefile.Write(c.HtpasswdGroupsFile, []byte(adminGroup+": "+adminUser+"\n"))
}

// otherUsers are the lines of an htpasswd file that are not the administrator's.
func otherUsers(path string) ([]byte, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var kept []byte
	for line := range bytes.Lines(data) {
		if !bytes.HasPrefix(line, []byte(adminUser+":")) {
			kept = append(kept, line...)
		}
	}
	return kept, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func (c *Cluster) authFile() string        { return c.path("kubernetes_auth") }
func (c *Cluster) adminKubeconfig() string { return c.path("admin.kubeconfig") }
func (c *Cluster) url() string             { return "https://" + c.at.local.String() }

// refreshEvery is how often the written credentials are compared with the
// certificates, which are renewed while the cluster runs.
const refreshEvery = time.Hour

// writeCredentials tells clients how to come in, and keeps telling when the
// administrator's certificate is renewed.
func (c *Cluster) writeCredentials(ctx context.Context) error {
	entry, err := c.entry()
	if err != nil {
		return err
	}
	merged, err := c.write(ctx, entry)
	if err != nil {
		return err
	}
	c.info = c.describe(merged)
	c.run("refreshing credentials", func(ctx context.Context) error {
		ticker := time.NewTicker(refreshEvery)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return nil
			case <-ticker.C:
			}
			next, err := c.entry()
			if err == nil && !bytes.Equal(next.ClientCert, entry.ClientCert) {
				_, err = c.write(ctx, next)
			}
			if err != nil {
				c.log.Error("Credentials not refreshed; trying again in an hour", "err", err)
				continue
			}
			entry = next
		}
	})
	return nil
}

func (c *Cluster) entry() (kubeconfig.Entry, error) {
	cert, err := os.ReadFile(c.admin.CertFile)
	if err != nil {
		return kubeconfig.Entry{}, err
	}
	key, err := os.ReadFile(c.admin.KeyFile)
	if err != nil {
		return kubeconfig.Entry{}, err
	}
	return kubeconfig.Entry{
		Name: contextName, Server: c.url(), CA: c.authority.CertPEM(), ClientCert: cert, ClientKey: key,
	}, nil
}

func (c *Cluster) write(ctx context.Context, entry kubeconfig.Entry) (kubeconfig.Merged, error) {
	if err := kubeconfig.Write(c.adminKubeconfig(), entry.Config()); err != nil {
		return kubeconfig.Merged{}, err
	}
	auth := kubeconfig.Auth{CAFile: c.authority.CertFile(), CertFile: c.admin.CertFile, KeyFile: c.admin.KeyFile}
	if c.password != "" {
		auth.User, auth.Password = adminUser, c.password
	}
	if err := kubeconfig.WriteAuth(c.authFile(), auth); err != nil {
		return kubeconfig.Merged{}, err
	}
	return kubeconfig.Merge(ctx, c.Kubeconfig, entry)
}

// Info says what a started cluster told its clients.
type Info struct {
	// URL is where clients on this machine find the API.
	URL string `json:"url"`
	// DNS is where the cluster's DNS server listens; empty if there is none.
	DNS string `json:"dns,omitempty"`
	// Node is the name of this machine as a node of the cluster; empty if it is
	// none. NoNode is why, if it was to be one.
	Node   string `json:"node,omitempty"`
	NoNode string `json:"noNode,omitempty"`
	// DataDir holds everything.
	DataDir string `json:"dataDir"`
	// CAFile is the authority of the API's certificate, and Fingerprint its
	// SHA-256.
	CAFile      string `json:"caFile"`
	Fingerprint string `json:"caFingerprint"`
	// AdminKubeconfig, KubernetesAuth and TokenFile are the administrator's
	// credentials; TokenFile is empty if the operator brought his own.
	AdminKubeconfig string `json:"adminKubeconfig"`
	KubernetesAuth  string `json:"kubernetesAuth"`
	TokenFile       string `json:"tokenFile,omitempty"`
	// Kubeconfig is the user's file and Context the context in it; Current is
	// the one that kubectl uses if it is told nothing.
	Kubeconfig string `json:"kubeconfig"`
	Context    string `json:"context"`
	Current    string `json:"currentContext"`
}

// Info describes the started cluster.
func (c *Cluster) Info() Info { return c.info }

func (c *Cluster) describe(merged kubeconfig.Merged) Info {
	i := Info{
		URL: c.url(), DataDir: c.DataDir,
		CAFile: c.authority.CertFile(), Fingerprint: certs.Fingerprint(c.authority.Certificate()),
		AdminKubeconfig: c.adminKubeconfig(), KubernetesAuth: c.authFile(),
		Kubeconfig: merged.Path, Context: merged.Context, Current: merged.Current,
	}
	if c.dns != nil {
		i.DNS = c.dnsSockets.Addr().String()
	}
	if c.node != nil {
		i.Node = c.Node.Name
	}
	if c.noNode != nil {
		i.NoNode = c.noNode.Error()
	}
	if c.TokensFile == c.path("tokens", "tokens.csv") {
		i.TokenFile = filepath.Join(filepath.Dir(c.TokensFile), adminUser)
	}
	return i
}
