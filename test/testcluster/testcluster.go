// Package testcluster starts a real cluster inside the process of a test: the
// whole of internal/cluster, its data in a temporary directory, on a free port
// of the loopback interface. Tests reach it as users do, by its kubeconfig,
// its URL and its credentials.
//
// A package whose tests share one cluster starts it in TestMain:
//
//	func TestMain(m *testing.M) { os.Exit(testcluster.Run(m, cluster.Config{}, &shared)) }
//
// A test that wants one for itself calls [New].
package testcluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/causeway-access/causeway/internal/cluster"
)

// Cluster is a running cluster and what its administrator knows about it.
type Cluster struct {
	// Info is what the cluster said of itself: files, fingerprint, context.
	Info cluster.Info
	// URL is https://127.0.0.1:PORT.
	URL string
	// Kubeconfig is a file that holds this cluster alone, with the
	// administrator's client certificate.
	Kubeconfig string
	// CAFile is the authority of the cluster's certificates.
	CAFile string
	// Token is a static token of the administrator.
	Token string
	// REST is the administrator's configuration for client-go, without a limit
	// on the rate of requests; copy it before changing it.
	REST *rest.Config
	// Client is a client with that configuration.
	Client kubernetes.Interface

	dir     string
	end     context.CancelFunc
	running *cluster.Cluster
}

// Start brings a cluster up. What cfg leaves out is chosen for tests: data
// below the temporary directory, a free port on 127.0.0.1, a kubeconfig of its
// own. Its log goes to standard error, which `go test` shows if a test fails.
// The caller ends it with [Cluster.Stop].
func Start(cfg cluster.Config) (*Cluster, error) {
	// The name is short because etcd's sockets are below it, and the path of a
	// unix socket has at most 107 bytes.
	dir, err := os.MkdirTemp("", "cw")
	if err != nil {
		return nil, err
	}
	c := &Cluster{dir: dir}
	setDefault(&cfg.DataDir, filepath.Join(dir, "data"))
	setDefault(&cfg.Listen, "127.0.0.1:0")
	setDefault(&cfg.Kubeconfig, filepath.Join(dir, "kubeconfig"))
	ctx, end := context.WithCancel(context.Background())
	c.end = end
	c.running, err = cluster.Start(ctx, cfg)
	if err != nil {
		end()
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	c.Info = c.running.Info()
	if err := c.connect(); err != nil {
		return nil, errors.Join(err, c.Stop())
	}
	return c, nil
}

// connect reads the credentials that the cluster wrote.
func (c *Cluster) connect() error {
	c.URL, c.CAFile, c.Kubeconfig = c.Info.URL, c.Info.CAFile, c.Info.AdminKubeconfig
	if c.Info.TokenFile != "" {
		token, err := os.ReadFile(c.Info.TokenFile)
		if err != nil {
			return fmt.Errorf("reading the administrator's token: %w", err)
		}
		c.Token = strings.TrimSpace(string(token))
	}
	var err error
	if c.REST, err = clientcmd.BuildConfigFromFlags("", c.Kubeconfig); err != nil {
		return fmt.Errorf("reading the administrator's kubeconfig: %w", err)
	}
	c.REST.QPS = -1 // no limit
	c.Client, err = kubernetes.NewForConfig(c.REST)
	return err
}

// Stop ends the cluster and removes its files. It returns what had failed.
func (c *Cluster) Stop() error {
	c.end()
	return errors.Join(c.running.Wait(), os.RemoveAll(c.dir))
}

// New starts a cluster that ends with the test.
func New(t testing.TB, cfg cluster.Config) *Cluster {
	t.Helper()
	c, err := Start(cfg)
	if err != nil {
		t.Fatalf("starting a cluster: %v", err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Errorf("ending the cluster: %v", err)
		}
	})
	return c
}

// Run is the work of a TestMain: it starts a cluster, puts it where the tests
// find it, runs them, and ends it. The result is for [os.Exit].
func Run(m *testing.M, cfg cluster.Config, shared **Cluster) int {
	c, err := Start(cfg)
	if err != nil {
		fmt.Fprintln(os.Stderr, "starting the cluster of the tests:", err)
		return 1
	}
	*shared = c
	code := m.Run()
	if err := c.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, "ending the cluster of the tests:", err)
		return max(code, 1)
	}
	return code
}

func setDefault(s *string, value string) {
	if *s == "" {
		*s = value
	}
}
