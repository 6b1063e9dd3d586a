package nodes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// cluster is a `causeway up` with a node.
type cluster struct {
	b       *bench
	cmd     *exec.Cmd
	data    string
	runtime []string // flags that say what runs pods
	config  *rest.Config
	client  kubernetes.Interface
	took    time.Duration // until it said that it is ready
}

// up starts a cluster with nothing in it but the image.
func (b *bench) up(ctx context.Context, runtime ...string) (*cluster, error) {
	data, err := os.MkdirTemp("/var/lib", "causeway")
	if err != nil {
		return nil, err
	}
	c := &cluster{b: b, data: data, runtime: runtime}
	args := append([]string{"up", "--node", "--node-name", "node", "-o", "json", "--listen", ":0", "--node-listen", ":0",
		"--data-dir", data, "--kubeconfig", filepath.Join(data, "kubeconfig")}, runtime...)
	c.cmd = exec.Command(b.Program, args...) // ended by down, whatever becomes of ctx
	log, err := os.Create(filepath.Join(b.Dir, "up.log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	c.cmd.Stderr = log
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	begun := time.Now()
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	var info struct{ AdminKubeconfig string }
	if err := json.NewDecoder(out).Decode(&info); err != nil {
		text, _ := os.ReadFile(log.Name())
		return nil, errors.Join(fmt.Errorf("the program did not say that it is ready: %w\n%s", err, text), c.down())
	}
	c.took = time.Since(begun)
	if c.config, err = clientcmd.BuildConfigFromFlags("", info.AdminKubeconfig); err == nil {
		c.config.QPS = -1
		c.client, err = kubernetes.NewForConfig(c.config)
	}
	if err == nil {
		err = b.command(ctx, "image", "import", "--kubeconfig", info.AdminKubeconfig, b.image)
	}
	if err != nil {
		return nil, errors.Join(err, c.down())
	}
	return c, nil
}

// down ends the cluster and its pods.
func (c *cluster) down() error {
	err := c.cmd.Process.Signal(syscall.SIGTERM)
	if err == nil {
		err = c.cmd.Wait()
	}
	args := append([]string{"down", "--data-dir", c.data, "--grace-period", "0s"}, c.runtime...)
	return errors.Join(err, c.b.command(context.Background(), args...), os.RemoveAll(c.data))
}

// command runs a command of the program.
func (b *bench) command(ctx context.Context, args ...string) error {
	if out, err := exec.CommandContext(ctx, b.Program, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("causeway %v: %w\n%s", args, err, out)
	}
	return nil
}
